#include "prune/prune_layer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/attributes.h"
#include "prune/layer_fitting.h"

namespace mcompress {
namespace {

constexpr double kDamping = 0.01;  // SparseGPT's
constexpr std::int64_t kPanel = 128;

struct Ridge {
    std::string_view method;
    double damping;  // of the mean of the diagonal
};
constexpr Ridge kRidges[] = {{"least squares, damped lightly", 0.001}, {"least squares", 0.01}, {"least squares, damped strongly", 0.1}};

class LayerPruner {
public:
    LayerPruner(const Layer& layer, const SplitRows& dense, const SplitRows& pruned, const LayerTask& task)
        : layer_(layer),
          task_(task),
          grid_(grid_of(layer)),
          fitting_(layer, exact_weights(layer), dense.fit, task.repair == Repair::Full ? pruned.fit : dense.fit,
                   task.repair == Repair::Full && layer.bias_input >= 0 ? Centering::AboutMeans : Centering::AboutZero, task.threads) {}

    PrunedLayer run(const LayerJudge& judge) {
        PrunedLayer best;
        best.mask = chosen_mask();
        best.weights = base_;
        best.error_before = best.error_after = judge.error(base_);
        if (task_.repair == Repair::None) return best;
        const auto consider = [&](std::string_view method, LayerWeights weights) {
            const double error = judge.error(weights);
            if (!(error < best.error_after)) return;
            best.weights = std::move(weights);
            best.error_after = error;
            best.repair = method;
        };
        consider("bias", fitting_.with_bias(base_.matrix));
        consider("statistics", fitting_.with_bias(fitting_.matched_scales(base_.matrix)));
        for (const Ridge& ridge : kRidges) {
            std::vector<float> matrix = fitting_.least_squares(best.mask, ridge.damping);
            if (!matrix.empty()) consider(ridge.method, fitting_.with_bias(std::move(matrix)));
        }
        return best;
    }

private:
    /// The mask, and the criterion's own weights in base_.
    Mask chosen_mask() {
        const std::vector<double> scores =
            criterion_scores(task_.criterion, grid_, fitting_.exact().matrix, fitting_.energy(), task_.number);
        Mask mask = choose_mask(grid_, task_.pattern, scores, task_.zeros, criterion_row(task_.criterion).within);
        base_ = fitting_.exact();
        if (task_.criterion == Criterion::SparseGpt) walk(mask);
        for (std::size_t at = 0; at < mask.size(); ++at)
            if (!mask[at]) base_.matrix[at] = 0.0F;
        if (task_.criterion == Criterion::LeastSquares) {
            std::vector<float> matrix = fitting_.least_squares(mask, kDamping);
            if (!matrix.empty()) base_.matrix = std::move(matrix);
        }
        return mask;
    }

    /// SparseGPT; where no factor exists, the mask and the weights stay as they are. Blocks are chosen beforehand.
    void walk(Mask& mask) {
        std::vector<std::int32_t> order;  // taps first, so that the groups of a pattern lie side by side
        for (std::int64_t tap = 0; tap < grid_.taps; ++tap)
            for (std::int64_t channel = 0; channel < grid_.channels; ++channel)
                order.push_back(static_cast<std::int32_t>(channel * grid_.taps + tap));
        const std::int64_t of = task_.pattern.kind == PatternKind::NOfM ? task_.pattern.of : 1;
        for (std::size_t group = 0; group < static_cast<std::size_t>(layer_.groups); ++group) {
            const std::span<std::uint8_t> own = std::span(mask).subspan(group * fitting_.group_size(), fitting_.group_size());
            const std::int64_t zeros = zeros_of(own);
            const auto choose = [&](std::span<const float> weights, std::span<const float> factor, std::int64_t first, std::int64_t width) {
                if (task_.pattern.kind == PatternKind::Blocks) return panel_of(own, order, first, width);
                std::vector<double> scores(weights.size());
                for (std::size_t at = 0; at < scores.size(); ++at) {
                    const double ratio =
                        static_cast<double>(weights[at]) / static_cast<double>(factor[at % static_cast<std::size_t>(width)]);
                    scores[at] = ratio * ratio;
                }
                const auto share = [&](std::int64_t columns) { return zeros * columns / layer_.inputs; };
                return choose_mask({layer_.outputs, width, 1, 1}, task_.pattern, scores, share(first + width) - share(first),
                                   RankWithin::Layer);
            };
            const WalkedWeights walked = walk_masked(fitting_.problem(group, kDamping), order, kPanel / of * of, choose);
            if (walked.weights.empty()) continue;
            std::copy(walked.mask.begin(), walked.mask.end(), own.begin());
            std::copy(walked.weights.begin(), walked.weights.end(),
                      base_.matrix.begin() + static_cast<std::ptrdiff_t>(group * fitting_.group_size()));
        }
    }

    Mask panel_of(std::span<const std::uint8_t> mask, std::span<const std::int32_t> order, std::int64_t first, std::int64_t width) const {
        Mask panel;
        for (std::int64_t output = 0; output < layer_.outputs; ++output)
            for (std::int64_t at = first; at < first + width; ++at)
                panel.push_back(mask[static_cast<std::size_t>(output * layer_.inputs + order[static_cast<std::size_t>(at)])]);
        return panel;
    }

    const Layer& layer_;
    const LayerTask& task_;
    WeightGrid grid_;
    LayerFitting fitting_;
    LayerWeights base_;
};

}  // namespace

WeightGrid grid_of(const Layer& layer) {
    const Shape& shape = float_weight(layer).shape();
    const std::int64_t taps = layer.node->is("Conv") ? shape.product(2, shape.rank()) : 1;
    return {layer.groups * layer.outputs, layer.inputs / std::max<std::int64_t>(1, taps), taps, layer.groups};
}

LayerWeights exact_weights(const Layer& layer) { return {weight_matrix(layer, float_weight(layer)), float_bias(layer)}; }

PrunedLayer prune_layer(const Layer& layer, const LayerTask& task) {
    const WeightGrid grid = grid_of(layer);
    PrunedLayer pruned{exact_weights(layer), {}, "none"};
    const std::vector<double> scores = criterion_scores(task.criterion, grid, pruned.weights.matrix, {}, task.number);
    pruned.mask = choose_mask(grid, task.pattern, scores, task.zeros, criterion_row(task.criterion).within);
    for (std::size_t at = 0; at < pruned.mask.size(); ++at)
        if (!pruned.mask[at]) pruned.weights.matrix[at] = 0.0F;
    return pruned;
}

PrunedLayer prune_layer(const Layer& layer, const SplitRows& dense, const SplitRows& pruned, const LayerTask& task) {
    const LayerJudge judge(layer, exact_weights(layer), dense.held_out, pruned.held_out);
    return LayerPruner(layer, dense, pruned, task).run(judge);
}

}  // namespace mcompress
