// One layer pruned by every criterion: outputs on rows nothing was fitted to, as in published layer tests of SparseGPT and least squares under a mask.
#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "catch.h"
#include "prune/layer_fitting.h"
#include "prune/prune_layer.h"

using namespace mcompress;

namespace {

constexpr std::int64_t kInputs = 256;

/// A MatMul [256, 256] with Gaussian weights.
struct OneLayer {
    std::shared_ptr<OpsetImports> imports = std::make_shared<OpsetImports>(OpsetImports{{"", 13}});
    Graph graph{imports};
    std::optional<Layer> layer;

    OneLayer() {
        std::mt19937 random(1);
        std::normal_distribution<float> normal(0.0F, 1.0F / 16.0F);
        std::vector<float> weights(static_cast<std::size_t>(kInputs * kInputs));
        for (float& weight : weights) weight = normal(random);
        Value* x = graph.add_input("x", ValueType{});
        Value* w = graph.add_constant("w", Tensor::from_values(Shape{kInputs, kInputs}, weights));
        Node* node = graph.add_node({.op_type = "MatMul", .inputs = {x, w}, .outputs = {"y"}});
        graph.add_output(node->output(0));
        layer = float_layer(*node, *node);
    }
};

/// Relu of mixed Gaussians, with channels of very different size: what a layer behind a trained one sees.
LayerRows rows(std::int64_t count, unsigned seed) {
    std::mt19937 mixing(7), random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> mix(static_cast<std::size_t>(kInputs * kInputs)), scale(static_cast<std::size_t>(kInputs));
    for (std::int64_t at = 0; at < kInputs; ++at)
        for (std::int64_t from = 0; from < kInputs; ++from)
            mix[static_cast<std::size_t>(at * kInputs + from)] = normal(mixing) / std::sqrt(1.0F + static_cast<float>(from));
    for (float& each : scale) each = std::exp(0.8F * normal(mixing));
    LayerRows found;
    found.count = count;
    for (std::int64_t row = 0; row < count; ++row) {
        std::vector<float> source(static_cast<std::size_t>(kInputs));
        for (float& each : source) each = normal(random);
        for (std::int64_t at = 0; at < kInputs; ++at) {
            float sum = 0.0F;
            for (std::int64_t from = 0; from < kInputs; ++from)
                sum += mix[static_cast<std::size_t>(at * kInputs + from)] * source[static_cast<std::size_t>(from)];
            found.values.push_back(std::max(0.0F, sum) * scale[static_cast<std::size_t>(at)]);
        }
    }
    return found;
}

const SplitRows& samples() {
    static const SplitRows found{rows(4096, 11), rows(512, 12)};
    return found;
}

PrunedLayer pruned(const OneLayer& one, Criterion criterion, const Pattern& pattern, double sparsity) {
    const LayerTask task{.criterion = criterion,
                         .pattern = pattern,
                         .zeros = static_cast<std::int64_t>(std::lround(sparsity * static_cast<double>(kInputs * kInputs))),
                         .repair = Repair::None,
                         .threads = 2};
    return prune_layer(*one.layer, samples(), samples(), task);
}

}  // namespace

TEST_CASE("layer test: SparseGPT is far below magnitude and Wanda, least squares below SparseGPT") {
    const OneLayer one;
    for (const double sparsity : {0.5, 0.7}) {
        std::map<Criterion, double> error;
        for (const CriterionRow& row : all_criteria()) {
            const PrunedLayer found = pruned(one, row.criterion, {}, sparsity);
            error[row.criterion] = found.error_after;
            CHECK(zeros_of(found.mask) == std::lround(sparsity * static_cast<double>(kInputs * kInputs)));
            for (std::size_t at = 0; at < found.mask.size(); ++at)
                if (!found.mask[at]) REQUIRE(found.weights.matrix[at] == 0.0F);
        }
        INFO("magnitude " << error[Criterion::Magnitude] << ", wanda " << error[Criterion::Wanda] << ", sparsegpt "
                          << error[Criterion::SparseGpt] << ", least squares " << error[Criterion::LeastSquares] << ", random "
                          << error[Criterion::Random]);
        if (sparsity == 0.5) {
            CHECK(error[Criterion::SparseGpt] <= 0.25 * error[Criterion::Magnitude]);
            CHECK(error[Criterion::SparseGpt] <= 0.55 * error[Criterion::Wanda]);
        }
        CHECK(error[Criterion::LeastSquares] <= error[Criterion::SparseGpt]);
        CHECK(error[Criterion::Magnitude] < error[Criterion::Random]);
    }
}

TEST_CASE("2:4 leaves two of four in every group, and least squares is the best there too") {
    const OneLayer one;
    std::map<Criterion, double> error;
    for (const CriterionRow& row : all_criteria()) {
        const PrunedLayer found = pruned(one, row.criterion, parse_pattern("2:4"), 0.5);
        error[row.criterion] = found.error_after;
        for (std::size_t group = 0; group < found.mask.size(); group += 4)
            REQUIRE(found.mask[group] + found.mask[group + 1] + found.mask[group + 2] + found.mask[group + 3] == 2);
    }
    INFO("magnitude " << error[Criterion::Magnitude] << ", sparsegpt " << error[Criterion::SparseGpt] << ", least squares "
                      << error[Criterion::LeastSquares]);
    CHECK(error[Criterion::SparseGpt] <= 0.25 * error[Criterion::Magnitude]);
    CHECK(error[Criterion::LeastSquares] <= error[Criterion::SparseGpt]);
}

TEST_CASE("bare masks: what stays is what it was, also where the criterion would have made up for what is gone") {
    const OneLayer one;
    const std::vector<float> exact = exact_weights(*one.layer).matrix;
    for (const Criterion criterion : {Criterion::Wanda, Criterion::SparseGpt, Criterion::LeastSquares}) {
        LayerTask task{.criterion = criterion, .pattern = {}, .zeros = kInputs * kInputs / 2, .repair = Repair::Bare, .threads = 2};
        const PrunedLayer bare = prune_layer(*one.layer, samples(), samples(), task);
        CHECK(bare.weights.matrix == masked(exact, bare.mask));
        task.repair = Repair::None;
        const PrunedLayer none = prune_layer(*one.layer, samples(), samples(), task);
        CHECK(none.mask == bare.mask);
        if (criterion == Criterion::Wanda) CHECK(none.error_after == bare.error_after);
        else CHECK(none.error_after < 0.7 * bare.error_after);
    }
}

TEST_CASE("the number of threads changes no bit") {
    const OneLayer one;
    for (const Criterion criterion : {Criterion::SparseGpt, Criterion::LeastSquares}) {
        LayerTask task{.criterion = criterion, .pattern = {}, .zeros = kInputs * kInputs / 2, .repair = Repair::Full, .threads = 1};
        const PrunedLayer first = prune_layer(*one.layer, samples(), samples(), task);
        task.threads = 3;
        CHECK(prune_layer(*one.layer, samples(), samples(), task).weights.matrix == first.weights.matrix);
    }
}

TEST_CASE("what a Relu cuts off need not be met: each round lowers the error behind it, also on rows that nothing was fitted to") {
    OneLayer one;
    one.layer->passed.low = 0.0F;
    const SplitRows& some = samples();
    const LayerFitting fitting(*one.layer, exact_weights(*one.layer), some.fit, some.fit, Centering::AboutZero, 2);
    REQUIRE(fitting.is_cut());
    const LayerJudge on_fit(*one.layer, fitting.exact(), some.fit, some.fit),
        held_out(*one.layer, fitting.exact(), some.held_out, some.held_out);
    const Mask mask = pruned(one, Criterion::Magnitude, {}, 0.7).mask;
    LayerWeights weights = fitting.with_bias(fitting.least_squares(mask, 1e-6));
    const double linear = held_out.error(weights);
    double last = on_fit.error(weights);
    for (int round = 0; round < 4; ++round) {
        const LayerFitting nearer = fitting.within_passed(weights);
        weights = nearer.with_bias(nearer.least_squares(mask, 1e-6));
        for (std::size_t at = 0; at < mask.size(); ++at)
            if (!mask[at]) REQUIRE(weights.matrix[at] == 0.0F);
        const double error = on_fit.error(weights);
        CHECK(error < last);
        last = error;
    }
    INFO("linear " << linear << ", then " << held_out.error(weights));
    CHECK(held_out.error(weights) < linear);
    // Exact weights give what is wanted: nothing changes.
    const LayerFitting same = fitting.within_passed(fitting.exact());
    const std::vector<float> all = same.least_squares(Mask(mask.size(), 1), 1e-6);
    double most = 0.0;
    for (std::size_t at = 0; at < all.size(); ++at)
        most = std::max(most, static_cast<double>(std::abs(all[at] - fitting.exact().matrix[at])));
    CHECK(most < 1e-3);
}
