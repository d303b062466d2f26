// Masks, budgets and solutions under masks against brute force.
#include "prune/mask.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "catch.h"
#include "prune/budget.h"
#include "prune/fit_masked.h"
#include "prune/layer_fitting.h"
#include "prune/partial_layer.h"
#include "support/error.h"

using namespace mcompress;

namespace {

std::vector<double> random_scores(std::size_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> uniform(0.1, 1.0);
    std::vector<double> scores(count);
    for (double& score : scores) score = uniform(random);
    return scores;
}

std::vector<float> random_weights(std::int64_t count, unsigned seed, float deviation = 1.0F) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0.0F, deviation);
    std::vector<float> weights(static_cast<std::size_t>(count));
    for (float& weight : weights) weight = normal(random);
    return weights;
}

}  // namespace

TEST_CASE("patterns: names read and written, anything else refused") {
    for (const char* name : {"unstructured", "2:4", "4:8", "1:3", "1x4", "4x1", "2x2"}) CHECK(pattern_name(parse_pattern(name)) == name);
    for (const char* name : {"", "4:2", "4:4", "0:4", "2:", ":4", "2:4x", "1x1", "0x4", "2:999", "x", "blocks", "-1:4"})
        CHECK_THROWS_AS(parse_pattern(name), Error);
}

TEST_CASE("masks: exact counts, ties by position, the least scores") {
    const WeightGrid grid{.outputs = 6, .channels = 4, .taps = 3};
    const std::vector<double> scores = random_scores(72, 1);
    for (std::int64_t zeros = 0; zeros <= 72; zeros += 9)
        for (const RankWithin within : {RankWithin::Layer, RankWithin::Output}) {
            const Mask mask = choose_mask(grid, {}, scores, zeros, within);
            CHECK(zeros_of(mask) == zeros);
            if (within == RankWithin::Output)
                for (std::size_t row = 0; row < 6; ++row) CHECK(std::abs(zeros_of(std::span(mask).subspan(row * 12, 12)) * 6 - zeros) <= 6);
            if (within == RankWithin::Output) continue;
            for (std::size_t gone = 0; gone < 72; ++gone)
                for (std::size_t kept = 0; kept < 72; ++kept)
                    if (!mask[gone] && mask[kept]) REQUIRE(scores[gone] <= scores[kept]);
        }
    const Mask tied = choose_mask(grid, {}, std::vector<double>(72, 1.0), 10, RankWithin::Layer);
    for (std::size_t at = 0; at < 72; ++at) CHECK(tied[at] == (at < 10 ? 0 : 1));
}

TEST_CASE("masks: N:M along the input channels of each tap, blocks as a whole") {
    const WeightGrid grid{.outputs = 8, .channels = 8, .taps = 9};
    const std::vector<double> scores = random_scores(static_cast<std::size_t>(grid.size()), 2);
    const auto at = [](std::int64_t output, std::int64_t channel, std::int64_t tap) {
        return static_cast<std::size_t>(output * 72 + channel * 9 + tap);
    };
    const Mask fours = choose_mask(grid, parse_pattern("2:4"), scores, 0, RankWithin::Layer);
    const Mask wide = choose_mask(grid, parse_pattern("1x4"), scores, 200, RankWithin::Output);
    const Mask tall = choose_mask(grid, parse_pattern("4x1"), scores, 200, RankWithin::Layer);
    CHECK(zeros_of(tall) == 200);
    for (std::int64_t tap = 0; tap < 9; ++tap)
        for (std::int64_t other = 0; other < 8; ++other)
            for (std::int64_t begin = 0; begin < 8; begin += 4) {
                int kept = 0;
                for (std::int64_t each = begin; each < begin + 4; ++each) {
                    kept += fours[at(other, each, tap)];
                    REQUIRE(wide[at(other, each, tap)] == wide[at(other, begin, tap)]);
                    REQUIRE(tall[at(each, other, tap)] == tall[at(begin, other, tap)]);
                }
                REQUIRE(kept == 2);
            }
}

TEST_CASE("budgets: every scope hits the whole exactly and leaves fixed layers alone") {
    const std::vector<float> first = random_weights(4000, 1, 0.1F), second = random_weights(999, 2), third = random_weights(640, 3, 5.0F);
    std::vector<BudgetLayer> layers(3);
    layers[0] = {.grid = {40, 100, 1, 1}, .weights = first, .errors = {{0.3, 0.001}, {0.6, 0.01}, {0.9, 0.1}}};
    layers[1] = {.grid = {37, 3, 9, 1}, .weights = second, .errors = {{0.3, 0.01}, {0.6, 0.1}, {0.9, 1.0}}};
    layers[2] = {.grid = {64, 10, 1, 1}, .weights = third, .errors = {{0.3, 0.02}, {0.6, 0.2}, {0.9, 2.0}}};
    for (const ScopeRow& row : all_scopes())
        for (const double sparsity : {0.0, 0.3, 0.5, 0.77, 0.9}) {
            const std::vector<std::int64_t> zeros = zeros_by_layer(row.scope, layers, sparsity);
            INFO(row.name << " " << sparsity);
            CHECK(std::accumulate(zeros.begin(), zeros.end(), std::int64_t{0}) == std::llround(sparsity * 5639));
            for (std::size_t at = 0; at < 3; ++at) CHECK((zeros[at] >= 0 && zeros[at] <= layers[at].grid.size()));
        }
    CHECK(zeros_by_layer(Scope::Global, layers, 0.5)[2] < 64);
    CHECK(zeros_by_layer(Scope::Measured, layers, 0.5)[0] > 2000);
    layers[1].fixed_sparsity = 0.1;
    for (const ScopeRow& row : all_scopes()) {
        const std::vector<std::int64_t> zeros = zeros_by_layer(row.scope, layers, 0.5);
        CHECK(zeros[1] == 100);
        CHECK(zeros[0] + zeros[2] == 2320);
    }
}

TEST_CASE("budgets: depthwise convolutions stay dense under shares that are given, while the others keep half of their density") {
    std::vector<BudgetLayer> layers(3);
    layers[0].grid = {40, 100, 1, 1};
    layers[1].grid = {40, 1, 9, 40};
    layers[2].grid = {20, 40, 1, 1};
    const auto sum = [](std::span<const std::int64_t> zeros) { return std::accumulate(zeros.begin(), zeros.end(), std::int64_t{0}); };
    for (const double sparsity : {0.0, 0.3, 0.5, 0.8}) {
        const std::vector<std::int64_t> zeros = zeros_by_layer(Scope::Uniform, layers, sparsity);
        CHECK(sum(zeros) == std::llround(sparsity * 5160.0));
        CHECK(zeros[1] == 0);
        CHECK(std::abs(zeros[0] * 800 - zeros[2] * 4000) <= 4000);  // the same share, to whole weights
        CHECK(zeros_by_layer(Scope::Erk, layers, sparsity)[1] == 0);
    }
    // The others would have to give 96.75 % for 90 % of all.
    for (const double sparsity : {0.9, 1.0}) {
        const std::vector<std::int64_t> zeros = zeros_by_layer(Scope::Uniform, layers, sparsity);
        CHECK(sum(zeros) == std::llround(sparsity * 5160.0));
        CHECK(zeros[1] == std::llround(sparsity * 360.0));
    }
    layers[1].fixed_sparsity = 0.5;  // what the user says goes
    CHECK(zeros_by_layer(Scope::Uniform, layers, 0.5) == std::vector<std::int64_t>{2000, 180, 400});
    layers[1].fixed_sparsity.reset();
    CHECK(zeros_by_layer(Scope::Uniform, std::span(layers).subspan(1, 1), 0.5) == std::vector<std::int64_t>{180});
    layers[1].grid = {40, 1, 9, 1};  // one input channel, as the first layer of pictures in grey: not depthwise
    CHECK(zeros_by_layer(Scope::Uniform, layers, 0.5)[1] == 180);
}

TEST_CASE("measured budgets: no exchange of zeros between two layers lowers the error") {
    std::vector<BudgetLayer> layers(2);
    layers[0] = {.grid = {10, 100, 1, 1}, .weights = {}, .errors = {{0.25, 0.01}, {0.5, 0.05}, {0.75, 0.2}, {1.0, 1.0}}};
    layers[1] = {.grid = {30, 100, 1, 1}, .weights = {}, .errors = {{0.25, 0.02}, {0.5, 0.06}, {0.75, 0.5}, {1.0, 2.0}}};
    const auto error = [&](std::size_t layer, double sparsity) {
        const double at = sparsity * 4.0;
        const int below = std::min(3, static_cast<int>(at));
        const auto value = [&](int point) { return point == 0 ? 0.0 : layers[layer].errors[static_cast<std::size_t>(point) - 1].error; };
        return value(below) + (at - below) * (value(below + 1) - value(below));
    };
    const std::vector<std::int64_t> zeros = zeros_by_layer(Scope::Measured, layers, 0.55);
    double least = 1e9;
    for (std::int64_t first = 0; first <= 1000; ++first)
        if (const std::int64_t second = 2200 - first; second >= 0 && second <= 3000)
            least = std::min(least, error(0, static_cast<double>(first) / 1000.0) + error(1, static_cast<double>(second) / 3000.0));
    CHECK(error(0, static_cast<double>(zeros[0]) / 1000.0) + error(1, static_cast<double>(zeros[1]) / 3000.0) <= least + 1e-9);
}

TEST_CASE("least squares under a mask: the normal equations hold, whichever way it is solved") {
    constexpr std::int64_t kRows = 400, kInputs = 24, kOutputs = 5;
    const std::vector<float> x = random_weights(kRows * kInputs, 4), y = random_weights(kRows * kInputs, 5, 0.3F),
                             w = random_weights(kOutputs * kInputs, 6);
    std::vector<double> gram(kInputs * kInputs, 0.0), cross(kInputs * kInputs, 0.0);
    for (std::int64_t row = 0; row < kRows; ++row)
        for (std::int64_t a = 0; a < kInputs; ++a)
            for (std::int64_t b = 0; b < kInputs; ++b) {
                const double dense = static_cast<double>(x[row * kInputs + a]),
                             changed_a = dense + static_cast<double>(y[row * kInputs + a]);
                const double changed_b = static_cast<double>(x[row * kInputs + b]) + static_cast<double>(y[row * kInputs + b]);
                gram[a * kInputs + b] += changed_a * changed_b / kRows;
                cross[a * kInputs + b] += dense * changed_b / kRows;
            }
    std::vector<double> wanted(w.size(), 0.0);
    for (std::int64_t at = 0; at < kOutputs * kInputs; ++at)
        for (std::int64_t input = 0; input < kInputs; ++input)
            wanted[at] += static_cast<double>(w[at / kInputs * kInputs + input]) * cross[input * kInputs + at % kInputs];
    constexpr double kDamping = 0.02;
    for (const int stride : {2, 3, 5}) {  // more go than stay, and fewer
        for (const bool is_sparse : {false, true}) {
            Mask mask(w.size());
            for (std::size_t at = 0; at < mask.size(); ++at) mask[at] = ((at % static_cast<std::size_t>(stride) == 0) == is_sparse) ? 1 : 0;
            const std::vector<float> v = fit_masked({kOutputs, kInputs, w, FitMoments{gram, wanted}, kDamping, 2}, mask);
            REQUIRE(v.size() == w.size());
            for (std::int64_t output = 0; output < kOutputs; ++output)
                for (std::int64_t at = 0; at < kInputs; ++at) {
                    const std::size_t place = static_cast<std::size_t>(output * kInputs + at);
                    if (!mask[place]) {
                        CHECK(v[place] == 0.0F);
                        continue;
                    }
                    double slope = kDamping * gram[at * (kInputs + 1)] * (static_cast<double>(v[place]) - static_cast<double>(w[place]));
                    for (std::int64_t other = 0; other < kInputs; ++other)
                        slope += static_cast<double>(v[static_cast<std::size_t>(output * kInputs + other)]) * gram[other * kInputs + at] -
                                 static_cast<double>(w[static_cast<std::size_t>(output * kInputs + other)]) * cross[other * kInputs + at];
                    CHECK(std::abs(slope) < 1e-3 * kDamping);
                }
        }
    }
}

TEST_CASE("least squares and SparseGPT's walk: few rows give what their moments give") {
    constexpr std::int64_t kRows = 12, kInputs = 160, kOutputs = 7;
    const std::vector<float> x = random_weights(kRows * kInputs, 31), y = random_weights(kRows * kOutputs, 32),
                             w = random_weights(kOutputs * kInputs, 33);
    std::vector<double> gram(kInputs * kInputs, 0.0), wanted(kOutputs * kInputs, 0.0), spread;
    for (std::int64_t a = 0; a < kInputs; ++a) {
        for (std::int64_t row = 0; row < kRows; ++row) {
            const double value = static_cast<double>(x[row * kInputs + a]) / kRows;
            for (std::int64_t b = 0; b < kInputs; ++b) gram[a * kInputs + b] += value * static_cast<double>(x[row * kInputs + b]);
            for (std::int64_t out = 0; out < kOutputs; ++out)
                wanted[out * kInputs + a] += value * static_cast<double>(y[row * kOutputs + out]);
        }
        spread.push_back(gram[a * (kInputs + 1)]);
    }
    for (const double damping : {0.003, 0.1, 3.0}) {
        const MaskedProblem by_moments{kOutputs, kInputs, w, FitMoments{gram, wanted}, damping, 2};
        const MaskedProblem by_rows{kOutputs, kInputs, w, FitRows{kRows, x, y, spread}, damping, 2};
        for (const std::size_t stride : {2U, 3U, 10U})
            for (const bool is_sparse : {false, true}) {
                Mask mask(w.size());
                for (std::size_t at = 0; at < mask.size(); ++at) mask[at] = ((at % stride == 0) == is_sparse) ? 1 : 0;
                const std::vector<float> expected = fit_masked(by_moments, mask), found = fit_masked(by_rows, mask);
                REQUIRE(found.size() == w.size());
                for (std::size_t at = 0; at < w.size(); ++at) CHECK(found[at] == Approx(expected[at]).margin(2e-3));
            }
        std::vector<std::int32_t> order(kInputs);
        for (std::size_t at = 0; at < order.size(); ++at) order[at] = static_cast<std::int32_t>(at * 7 % order.size());
        const auto every_third = [](std::span<const float> weights, std::span<const float>, std::int64_t, std::int64_t) {
            Mask mask(weights.size());
            for (std::size_t at = 0; at < mask.size(); ++at) mask[at] = at % 3 != 0;
            return mask;
        };
        const WalkedWeights expected = walk_masked(by_moments, order, 16, every_third),
                            found = walk_masked(by_rows, order, 16, every_third);
        REQUIRE(found.weights.size() == w.size());
        CHECK(found.mask == expected.mask);
        for (std::size_t at = 0; at < w.size(); ++at) CHECK(found.weights[at] == Approx(expected.weights[at]).margin(2e-3));
    }
}

TEST_CASE("a layer with far more inputs than rows is fitted without a matrix of its inputs") {
    const auto problem_of = [](std::int64_t inputs) {
        std::shared_ptr<OpsetImports> imports = std::make_shared<OpsetImports>(OpsetImports{{"", 13}});
        Graph graph{imports};
        Value* x = graph.add_input("x", ValueType{});
        const std::vector<float> w(static_cast<std::size_t>(inputs), 1.0F);
        Node* product = graph.add_node(
            {.op_type = "MatMul", .inputs = {x, graph.add_constant("w", Tensor::from_values(Shape{inputs, 1}, w))}, .outputs = {"y"}});
        const LayerRows rows{16, random_weights(16 * inputs, 41), {}};
        const Layer layer = *float_layer(*product, *product);
        const LayerFitting fitting(layer, {w, {0.0F}}, rows, rows, Centering::AboutZero, 1);
        const bool has_matrix = std::holds_alternative<FitMoments>(fitting.problem(0, 0.1).given);
        const std::vector<float> found = fitting.least_squares(Mask(w.size(), 1), 0.1);
        CHECK(std::all_of(found.begin(), found.end(), [](float each) { return each == Approx(1.0F).margin(1e-4); }));
        return has_matrix;
    };
    CHECK(problem_of(127));
    CHECK_FALSE(problem_of(128));
    CHECK_FALSE(problem_of(60'000));  // the matrix would take 29 GB
}

TEST_CASE("a layer in front of a sum makes up for what the sum's other operand has lost") {
    // y = W x + s; the other operand became s' = s - M x with a small part of noise: W + M is the answer, whatever W and s are.
    constexpr std::int64_t kRows = 2000, kInputs = 6, kOutputs = 4;
    std::shared_ptr<OpsetImports> imports = std::make_shared<OpsetImports>(OpsetImports{{"", 13}});
    Graph graph{imports};
    const std::vector<float> w = random_weights(kOutputs * kInputs, 21), m = random_weights(kOutputs * kInputs, 22);
    std::vector<float> stored(w.size());
    for (std::size_t out = 0; out < kOutputs; ++out)
        for (std::size_t in = 0; in < kInputs; ++in) stored[in * kOutputs + out] = w[out * kInputs + in];
    Value* x = graph.add_input("x", ValueType{});
    Value* s = graph.add_input("s", ValueType{});
    Node* product = graph.add_node({.op_type = "MatMul",
                                    .inputs = {x, graph.add_constant("w", Tensor::from_values(Shape{kInputs, kOutputs}, stored))},
                                    .outputs = {"y"}});
    Node* sum = graph.add_node({.op_type = "Add", .inputs = {product->output(0), s}, .outputs = {"z"}});
    graph.add_output(sum->output(0));
    const Layer layer = *float_layer(*product, *product);
    LayerRows dense{kRows, random_weights(kRows * kInputs, 23), random_weights(kRows * kOutputs, 24)};
    LayerRows pruned = dense;
    for (std::size_t row = 0; row < kRows; ++row)
        for (std::size_t out = 0; out < kOutputs; ++out)
            for (std::size_t in = 0; in < kInputs; ++in)
                pruned.residual[row * kOutputs + out] -= m[out * kInputs + in] * dense.values[row * kInputs + in];
    const LayerFitting fitting(layer, {w, std::vector<float>(kOutputs, 0.0F)}, dense, pruned, Centering::AboutZero, 2);
    const LayerJudge judge(layer, fitting.exact(), dense, pruned);
    const std::vector<float> found = fitting.least_squares(Mask(w.size(), 1), 1e-6);
    REQUIRE(found.size() == w.size());
    for (std::size_t at = 0; at < w.size(); ++at) CHECK(found[at] == Approx(w[at] + m[at]).margin(1e-3));
    CHECK(judge.error(fitting.exact()) > 0.1);
    CHECK(judge.error({found, fitting.exact().bias}) < 1e-6);
    // Of some of the outputs only, the same.
    const PartialLayer part(layer, fitting.exact(), 2);
    const LayerFitting fewer = fitting.of(part);
    const std::vector<float> some = fewer.least_squares(Mask(part.exact.matrix.size(), 1), 1e-6);
    for (std::size_t at = 0; at < some.size(); ++at)
        CHECK(some[at] == Approx(found[part.rows[at / kInputs] * kInputs + at % kInputs]).margin(1e-4));
    CHECK(LayerJudge(part.layer, part.exact, dense, pruned, part.rows).error({some, part.exact.bias}) < 1e-6);
}
