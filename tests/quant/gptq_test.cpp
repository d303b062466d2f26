#include "quant/gptq.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "catch.h"
#include "quant/affine.h"
#include "quant/choose_params.h"

using namespace mcompress;

namespace {

constexpr std::int64_t kInputs = 150, kOutputs = 40, kRows = 800;

/// Rows whose columns are strongly correlated: a few common factors and a little noise.
std::vector<float> correlated_rows() {
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    constexpr std::int64_t kFactors = 12;
    std::vector<float> loadings(kFactors * kInputs), rows(kRows * kInputs);
    for (float& value : loadings) value = normal(random);
    for (std::int64_t row = 0; row < kRows; ++row) {
        std::vector<float> factors(kFactors);
        for (float& value : factors) value = normal(random);
        for (std::int64_t at = 0; at < kInputs; ++at) {
            float sum = 0.1F * normal(random);
            for (std::int64_t factor = 0; factor < kFactors; ++factor)
                sum += factors[static_cast<std::size_t>(factor)] * loadings[static_cast<std::size_t>(factor * kInputs + at)];
            rows[static_cast<std::size_t>(row * kInputs + at)] = sum;
        }
    }
    return rows;
}

std::vector<double> moments_of(const std::vector<float>& rows) {
    std::vector<double> moments(kInputs * kInputs, 0.0);
    for (std::int64_t row = 0; row < kRows; ++row)
        for (std::int64_t a = 0; a < kInputs; ++a)
            for (std::int64_t b = 0; b < kInputs; ++b)
                moments[static_cast<std::size_t>(a * kInputs + b)] +=
                    static_cast<double>(rows[static_cast<std::size_t>(row * kInputs + a)]) *
                    static_cast<double>(rows[static_cast<std::size_t>(row * kInputs + b)]) / kRows;
    return moments;
}

/// tr((W - V) M (W - V)^T)
double product_error(const std::vector<float>& weights, const std::vector<std::int8_t>& codes, const std::vector<float>& scales,
                     const std::vector<double>& moments) {
    double error = 0.0;
    for (std::int64_t row = 0; row < kOutputs; ++row) {
        std::vector<double> off(kInputs);
        for (std::int64_t at = 0; at < kInputs; ++at) {
            const auto element = static_cast<std::size_t>(row * kInputs + at);
            off[static_cast<std::size_t>(at)] =
                static_cast<double>(weights[element]) -
                static_cast<double>(dequantize_value(codes[element], scales[static_cast<std::size_t>(row)], 0));
        }
        for (std::int64_t a = 0; a < kInputs; ++a)
            for (std::int64_t b = 0; b < kInputs; ++b)
                error += off[static_cast<std::size_t>(a)] * moments[static_cast<std::size_t>(a * kInputs + b)] *
                         off[static_cast<std::size_t>(b)];
    }
    return error;
}

struct Problem {
    std::vector<float> rows = correlated_rows();
    std::vector<double> moments = moments_of(rows);
    std::vector<float> weights = std::vector<float>(kOutputs * kInputs);
    std::vector<float> scales = std::vector<float>(kOutputs);

    Problem() {
        std::mt19937 random(11);
        std::normal_distribution<float> normal;
        for (float& value : weights) value = normal(random);
        for (std::int64_t row = 0; row < kOutputs; ++row) {
            float absmax = 0.0F;
            for (std::int64_t at = 0; at < kInputs; ++at)
                absmax = std::max(absmax, std::fabs(weights[static_cast<std::size_t>(row * kInputs + at)]));
            scales[static_cast<std::size_t>(row)] = absmax / 7.0F;  // 4 bits, where rounding matters
        }
    }
};

constexpr QuantRange kFourBits{-7, 7};

}  // namespace

TEST_CASE("gptq: on correlated inputs the products are far closer than after rounding to nearest") {
    const Problem problem;
    std::vector<std::int8_t> nearest(problem.weights.size());
    for (std::size_t at = 0; at < nearest.size(); ++at)
        nearest[at] = static_cast<std::int8_t>(quantize_value(problem.weights[at], problem.scales[at / kInputs], 0, kFourBits));
    const RoundingPath path = plan_rounding(problem.moments, kInputs, 0.01);
    REQUIRE_FALSE(path.empty());
    const auto codes = round_along(path, problem.weights, problem.scales, kFourBits, 1);
    CHECK(product_error(problem.weights, codes, problem.scales, problem.moments) <
          0.35 * product_error(problem.weights, nearest, problem.scales, problem.moments));
}

TEST_CASE("gptq: the codes do not depend on the number of threads") {
    const Problem problem;
    const RoundingPath path = plan_rounding(problem.moments, kInputs, 0.01);
    const auto one = round_along(path, problem.weights, problem.scales, kFourBits, 1);
    CHECK(round_along(path, problem.weights, problem.scales, kFourBits, 2) == one);
    CHECK(round_along(path, problem.weights, problem.scales, kFourBits, 5) == one);
}

TEST_CASE("gptq: independent inputs are rounded to nearest") {
    std::vector<double> moments(9, 0.0);
    for (int at = 0; at < 3; ++at) moments[static_cast<std::size_t>(at * 4)] = 1.0 + at;
    const RoundingPath path = plan_rounding(moments, 3, 0.0);
    CHECK(path.order == std::vector<std::int32_t>{2, 1, 0});
    const std::vector<float> weights{0.4F, -1.6F, 2.5F}, scales{1.0F};
    CHECK(round_along(path, weights, scales, {-7, 7}, 1) == std::vector<std::int8_t>{0, -2, 2});
}

TEST_CASE("gptq: inputs that are always 0 do no harm; moments that are no numbers give no path") {
    std::vector<double> moments{2.0, 0.0, 0.0, 0.0};
    CHECK_FALSE(plan_rounding(moments, 2, 0.01).empty());
    moments[1] = moments[2] = std::nan("");
    CHECK(plan_rounding(moments, 2, 0.01).empty());
}

TEST_CASE("gptq: weights that are exactly 0 keep the code 0, and the others make up for it") {
    Problem problem;
    std::vector<float> pruned = problem.weights;
    for (std::size_t at = 0; at < pruned.size(); ++at)
        if (at % 3 == 0) pruned[at] = 0.0F;
    const RoundingPath path = plan_rounding(problem.moments, kInputs, 0.01);
    const auto pinned = round_along(path, problem.weights, problem.scales, kFourBits, 2, pruned);
    const auto same = round_along(path, pruned, problem.scales, kFourBits, 2, pruned);
    std::vector<std::int8_t> nearest(pruned.size());
    for (std::size_t at = 0; at < pruned.size(); ++at) {
        nearest[at] = static_cast<std::int8_t>(quantize_value(pruned[at], problem.scales[at / kInputs], 0, kFourBits));
        if (pruned[at] != 0.0F) continue;
        REQUIRE(pinned[at] == 0);
        REQUIRE(same[at] == 0);
    }
    CHECK(product_error(pruned, same, problem.scales, problem.moments) < product_error(pruned, nearest, problem.scales, problem.moments));
    CHECK(product_error(problem.weights, pinned, problem.scales, problem.moments) <
          product_error(problem.weights, same, problem.scales, problem.moments));
}
