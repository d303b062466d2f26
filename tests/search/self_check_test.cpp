#include "search/self_check.h"

#include <cmath>

#include "catch.h"

using namespace mcompress;

namespace {

TrialResult result_of(double noise, std::size_t rows, std::size_t agreements) {
    TrialResult result;
    result.outputs.resize(1);
    result.outputs[0].signal = 1.0;
    result.outputs[0].noise = noise;
    result.outputs[0].count = 10;
    result.rows = rows;
    result.agreements = agreements;
    return result;
}

}  // namespace

TEST_CASE("binomial probabilities of small cases by hand") {
    CHECK(binomial_cdf(0, 3, 0.5) == Approx(0.125));
    CHECK(binomial_cdf(1, 3, 0.5) == Approx(0.5));
    CHECK(binomial_cdf(3, 3, 0.7) == Approx(1.0));
    CHECK(binomial_cdf(10, 20, 0.7) == Approx(0.0479618973));  // tables
    CHECK(binomial_cdf(11, 20, 0.7) == Approx(0.1133314625));
}

TEST_CASE("self-check: a classifier is judged by its decisions, beyond chance") {
    CHECK(judge(result_of(0.5, 20, 10), 20).has_collapsed);
    CHECK_FALSE(judge(result_of(0.09, 20, 11), 20).has_collapsed);  // so few equal decisions may be chance
    CHECK(judge(result_of(0.5, 20, 11), 20).has_collapsed);         // but not with outputs of 3 dB as well
    CHECK_FALSE(judge(result_of(0.5, 20, 15), 20).has_collapsed);   // decisions are what counts
    CHECK(judge(result_of(0.001, 200, 100), 200).has_collapsed);
    CHECK(judge(result_of(0.5, 20, 11), 20).judged_by_agreement);
}

TEST_CASE("self-check: other models, and classifiers with few decisions, are judged by the worst output") {
    CHECK(judge(result_of(0.11, 0, 0), 4).has_collapsed);
    CHECK_FALSE(judge(result_of(0.09, 0, 0), 4).has_collapsed);
    CHECK_FALSE(judge(result_of(0.09, 4, 0), 4).has_collapsed);
    TrialResult two = result_of(0.01, 0, 0);
    two.outputs.push_back(two.outputs[0]);
    two.outputs[1].noise = 0.2;
    CHECK(judge(two, 4).has_collapsed);
    CHECK(judge(two, 4).sqnr_db == Approx(-10.0 * std::log10(0.2)));
    two.outputs[0].not_finite = 1;
    two.rows = two.agreements = 20;
    CHECK(judge(two, 4).has_collapsed);  // NaN is no decision
}
