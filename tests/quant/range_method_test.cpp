#include "quant/range_method.h"

#include "catch.h"
#include "quant/calibration_table.h"
#include "quant/scheme.h"
#include "support/error.h"

using namespace mcompress;

namespace {

TensorStatistics statistics_of(const std::vector<std::vector<float>>& samples) {
    TensorStatistics statistics;
    for (const std::vector<float>& sample : samples) statistics.add_sample(sample);
    return statistics;
}

}  // namespace

TEST_CASE("min-max covers everything seen", "[quant]") {
    CHECK(find_range_method("min-max").choose(statistics_of({{-1.0f, 2.0f}, {0.5f, 9.0f}})) == ValueRange{-1.0f, 9.0f});
}

TEST_CASE("mean-min-max averages the samples' extremes", "[quant]") {
    CHECK(find_range_method("mean-min-max").choose(statistics_of({{-1.0f, 2.0f}, {-3.0f, 9.0f}})) == ValueRange{-2.0f, 5.5f});
    CHECK(find_range_method("mean-min-max").choose({}) == ValueRange{});
}

TEST_CASE("every range method is independent of the order of samples", "[quant]") {
    const std::vector<std::vector<float>> samples = {{0.1f, 1e10f}, {-0.3f, 0.7f}, {-1e-10f, 3.0f}, {0.25f, 0.3f}};
    const std::vector<std::vector<float>> reversed(samples.rbegin(), samples.rend());
    REQUIRE_FALSE(all_range_methods().empty());
    for (const RangeMethod& method : all_range_methods())
        CHECK(method.choose(statistics_of(samples), method.parameter) == method.choose(statistics_of(reversed), method.parameter));
}

TEST_CASE("trap 26: an unknown range method is refused", "[quant]") {
    CHECK_THROWS_AS(find_range_method("minmax"), Error);
    CHECK(find_range_method(kDefaultRangeMethod).name() == kDefaultRangeMethod);
}

TEST_CASE("tables of one graph merge, tables of two do not", "[quant]") {
    CalibrationTable first;
    first.fingerprint = "a";
    first.samples = 1;
    first.values["x"] = statistics_of({{1.0f}});
    CalibrationTable second = first;
    second.values["x"] = statistics_of({{5.0f}});

    CalibrationTable merged;
    merged.merge(first);
    merged.merge(second);
    CHECK(merged.samples == 2);
    CHECK(merged.values.at("x") == statistics_of({{5.0f}, {1.0f}}));

    second.fingerprint = "b";
    CHECK_THROWS_AS(merged.merge(second), Error);
}

TEST_CASE("a scheme with an unsupported type is refused", "[quant]") {
    QuantizationScheme scheme;
    CHECK_NOTHROW(check_scheme(scheme));
    scheme.weight_dtype = DType::UInt8;  // per-channel unsigned weights have no integer kernel
    CHECK_THROWS_AS(check_scheme(scheme), Error);
    scheme = {};
    scheme.activation_dtype = DType::Float16;
    CHECK_THROWS_AS(check_scheme(scheme), Error);
    scheme = {};
    scheme.range_method = "median";
    CHECK_THROWS_AS(check_scheme(scheme), Error);
}

TEST_CASE("least-error stays between min-max and mean-min-max and never costs more than min-max on even values", "[quant]") {
    std::vector<float> even(10001);
    for (std::size_t at = 0; at < even.size(); ++at) even[at] = static_cast<float>(at) / 10000.0f - 0.25f;
    const ChosenRangeMethod least_error = find_range_method("least-error");
    // Every sample reaches the same extremes: there is nothing between the two.
    CHECK(least_error.choose(statistics_of({even, even})) == ValueRange{-0.25f, 0.75f});

    // One element in a million lies at 10: its clipped distance, 10^2 at most, is less than what steps of 10/255 cost the million others.
    std::vector<std::vector<float>> samples(100, even);
    samples[40].push_back(10.0f);
    const TensorStatistics statistics = statistics_of(samples);
    const ValueRange range = least_error.choose(statistics);
    CHECK(range.max < statistics.max);
    CHECK(range.max >= choose_mean_min_max(statistics).max);
}
