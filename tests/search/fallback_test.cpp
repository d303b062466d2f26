#include "search/fallback.h"

#include <algorithm>
#include <map>
#include <set>

#include "catch.h"

using namespace mcompress;

namespace {

NoiseSource value(const std::string& name, std::vector<std::string> units) {
    return {NoiseSource::Kind::Activation, name, "Relu", {name + "_q"}, std::move(units), 0};
}

NoiseSource weights(const std::string& unit, std::int64_t macs) { return {NoiseSource::Kind::Weight, unit, "Conv", {unit}, {unit}, macs}; }

/// Counts what is measured; meets the limit from `enough` steps on.
FewestResult search(std::size_t count, std::size_t guess, std::size_t enough) {
    return find_fewest(count, guess, 1.0, 5.0, [&](std::size_t steps) { return steps >= enough ? 0.5 : 2.0; });
}

}  // namespace

TEST_CASE("fallbacks: what removes most for its cost comes first, and takes along what vanishes with it") {
    // 'b' is read by two units: to have it in float both must be; 'a' by one, whose weights vanish with it.
    const std::vector<NoiseSource> sources{value("a", {"first"}), weights("first", 100), value("b", {"second", "third"}),
                                           weights("second", 800), weights("third", 100)};
    const std::vector<double> effects{1.0, 0.5, 6.0, 0.25, 0.25};
    const auto steps = order_fallbacks(sources, effects, 1000);
    REQUIRE(steps.size() == 2);
    CHECK(steps[0].nodes == std::vector<std::string>{"first"});  // 1.5 of 8 for 0.1 + 0.02
    CHECK(steps[0].share == Approx(1.5 / 8.0));
    CHECK(steps[1].source == "b");
    CHECK(steps[1].nodes == std::vector<std::string>{"second", "third"});
    CHECK(steps[1].share == Approx(6.5 / 8.0));
    CHECK(steps[1].macs_share == Approx(1.0));
}

TEST_CASE("fallbacks: a source without effect asks for nothing; the scheme gets a reason a node") {
    const std::vector<NoiseSource> sources{value("a", {"first"}), value("b", {"second"})};
    const auto steps = order_fallbacks(sources, std::vector<double>{0.0, 2.0}, 0);
    REQUIRE(steps.size() == 1);
    const QuantizationScheme scheme = with_fallbacks({}, steps, 1, "the budget");
    REQUIRE(scheme.keep_float.size() == 1);
    CHECK(scheme.keep_float.at("second").starts_with("the budget: "));
    CHECK(with_fallbacks({}, steps, 0, "the budget").keep_float.empty());
}

TEST_CASE("find_fewest: the least number that meets the limit, whatever the guess") {
    for (const std::size_t count : {1U, 2U, 7U, 100U})
        for (std::size_t enough = 1; enough <= count; ++enough)
            for (const std::size_t guess : {std::size_t{0}, std::size_t{1}, count / 2, count, count + 5}) {
                const FewestResult result = search(count, guess, enough);
                REQUIRE(result.met);
                REQUIRE(result.steps == enough);
                std::vector<std::size_t> tried;
                for (const FallbackTry& each : result.tries) tried.push_back(each.steps);
                std::sort(tried.begin(), tried.end());
                REQUIRE(std::adjacent_find(tried.begin(), tried.end()) == tried.end());  // nothing is measured twice
                REQUIRE(tried.size() <= 14);
                if (enough > 1) REQUIRE(std::binary_search(tried.begin(), tried.end(), enough - 1));
            }
}

TEST_CASE("find_fewest: a good guess costs two measurements; what cannot be met says so") {
    CHECK(search(100, 37, 37).tries.size() == 2);
    CHECK(search(100, 36, 37).tries.size() == 2);
    CHECK_FALSE(search(10, 3, 11).met);
    CHECK_FALSE(search(0, 0, 1).met);
    CHECK(find_fewest(10, 3, 1.0, 0.5, [](std::size_t) -> double { throw 0; }).met);  // nothing to do
}

TEST_CASE("fallbacks: 16 bits go to what the units of a value read and give, and shares of products are told apart") {
    // x -> a -> u -> b -> v: two units in a row, of 60 and 40 % of the products
    const std::vector<NoiseSource> sources{
        {NoiseSource::Kind::Activation, "x", "", {"x_q"}, {"a"}, 60, {"x"}, {}},
        {NoiseSource::Kind::Weight, "a", "Conv", {"u"}, {"a"}, 60, {}, {}},
        {NoiseSource::Kind::Activation, "u", "Conv", {"u_q"}, {"b"}, 40, {"u"}, {"a"}},
        {NoiseSource::Kind::Weight, "b", "Conv", {"v"}, {"b"}, 40, {}, {}},
    };
    std::vector<FallbackStep> steps = order_fallbacks(sources, std::vector<double>{8.0, 1.0, 0.5, 0.5}, 100);
    REQUIRE(steps.size() == 2);
    CHECK(steps[0].source == "x");
    CHECK(std::set<std::string>(steps[0].values.begin(), steps[0].values.end()) == std::set<std::string>{"u", "x"});
    CHECK(steps[1].units == std::vector<std::string>{"b"});

    steps[0].wide = DType::UInt16;
    count_shares(steps, sources, 100);
    CHECK(steps[1].macs_share == Approx(0.4));
    CHECK(steps[1].wide_macs_share == Approx(0.6));
    const QuantizationScheme scheme = with_fallbacks({}, steps, 2, "why");
    CHECK(scheme.activation_dtypes == std::map<std::string, DType>{{"u", DType::UInt16}, {"x", DType::UInt16}});
    CHECK(scheme.keep_float.size() == 1);
    CHECK(scheme.keep_float.contains("b"));
}
