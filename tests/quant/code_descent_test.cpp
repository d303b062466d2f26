// Codes at the bottom of a descent: no single move helps, whatever was allowed to move stayed within bounds; against errors summed up by definition.
#include "quant/code_descent.h"

#include <algorithm>
#include <random>

#include "catch.h"
#include "quant/gptq.h"

using namespace mcompress;

namespace {

constexpr std::int64_t kInputs = 24, kOutputs = 6;

struct Problem {
    std::vector<double> moments = std::vector<double>(kInputs * kInputs);
    std::vector<float> weights = std::vector<float>(kOutputs * kInputs);
    std::vector<float> scales = std::vector<float>(kOutputs, 0.2F);

    explicit Problem(unsigned seed) {
        std::mt19937 random(seed);
        std::normal_distribution<double> normal;
        for (int row = 0; row < 60; ++row) {
            std::vector<double> x(kInputs);
            const double common = normal(random);
            for (double& value : x) value = common + 0.4 * normal(random);
            for (std::size_t at = 0; at < moments.size(); ++at) moments[at] += x[at / kInputs] * x[at % kInputs] / 60.0;
        }
        for (float& weight : weights) weight = static_cast<float>(normal(random));
    }

    double error(const std::vector<std::int8_t>& codes, std::size_t row) const {
        std::vector<double> off(kInputs);
        for (std::size_t at = 0; at < kInputs; ++at)
            off[at] = static_cast<double>(weights[row * kInputs + at]) -
                      static_cast<double>(scales[row]) * static_cast<double>(codes[row * kInputs + at]);
        double sum = 0.0;
        for (std::size_t at = 0; at < moments.size(); ++at) sum += off[at / kInputs] * moments[at] * off[at % kInputs];
        return sum;
    }

    std::vector<std::int8_t> along() const { return round_along(plan_rounding(moments, kInputs, 0.01), weights, scales, {-7, 7}, 1); }
};

}  // namespace

TEST_CASE("descend_codes: no row gets worse, and at the end no single step of a code helps") {
    double before = 0.0, after = 0.0;
    for (unsigned seed = 1; seed <= 5; ++seed) {
        const Problem problem(seed);
        const std::vector<std::int8_t> start = problem.along();
        std::vector<std::int8_t> codes = start;
        descend_codes({.moments = problem.moments, .range = {-7, 7}, .threads = 3}, problem.weights, problem.scales, codes);
        for (std::size_t row = 0; row < kOutputs; ++row) {
            const double error = problem.error(codes, row);
            before += problem.error(start, row);
            after += error;
            CHECK(error <= problem.error(start, row) * 1.0001);
            for (std::size_t at = 0; at < kInputs; ++at)
                for (const int step : {-1, 1}) {
                    std::vector<std::int8_t> other = codes;
                    other[row * kInputs + at] = static_cast<std::int8_t>(std::clamp(other[row * kInputs + at] + step, -7, 7));
                    CHECK(problem.error(other, row) >= error * 0.9999);
                }
        }
        std::vector<std::int8_t> alone = start;
        descend_codes({.moments = problem.moments, .range = {-7, 7}}, problem.weights, problem.scales, alone);
        CHECK(alone == codes);
    }
    CHECK(after < 0.9 * before);
}

TEST_CASE("descend_codes: pairs stay in range, zeros stay 0, a row without a scale stays as it is") {
    Problem problem(9);
    for (float& scale : problem.scales) scale = 0.02F;
    problem.scales[5] = 0.0F;
    for (std::size_t at = 0; at < kInputs; at += 3) problem.weights[at] = 0.0F;
    std::vector<CodePair> pairs;
    for (std::int32_t at = 0; at < kInputs; at += 2) pairs.push_back({at, at + 1});
    std::vector<std::int8_t> codes(problem.weights.size(), 0);
    descend_codes({.moments = problem.moments, .range = {-127, 127}, .pairs = pairs}, problem.weights, problem.scales, codes);
    for (std::size_t row = 0; row < kOutputs; ++row) CHECK(pairs_fit(std::span(codes).subspan(row * kInputs, kInputs), pairs));
    for (std::size_t at = 0; at < kInputs; at += 3) CHECK(codes[at] == 0);
    CHECK(std::all_of(codes.end() - kInputs, codes.end(), [](std::int8_t code) { return code == 0; }));
    CHECK(std::any_of(codes.begin(), codes.end(), [](std::int8_t code) { return code > 50; }));
}
