#include "prune/layer_errors.h"

#include <algorithm>
#include <cmath>

#include "prune/chosen_weights.h"
#include "prune/partial_layer.h"

namespace mcompress {
namespace {

constexpr double kLevels[] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.96};
constexpr double kGainLevel = 0.5;
constexpr std::int64_t kOutputs = 32;  // of a group: enough to tell one level from another

Mask mask_at(const Layer& layer, const LayerFitting& fitting, const LayerTask& task, const LayerWeights& weights, double sparsity) {
    const WeightGrid grid = grid_of(layer);
    const std::vector<double> scores = criterion_scores(task.criterion, grid, weights.matrix, fitting.energy(), task.number);
    return choose_mask(grid, task.pattern, scores, std::llround(sparsity * static_cast<double>(grid.size())),
                       criterion_row(task.criterion).within);
}

}  // namespace

LayerFitting dense_fitting(const Layer& layer, const SplitRows& dense, const LayerTask& task) {
    const Centering centering = task.repair == Repair::Full && layer.bias_input >= 0 ? Centering::AboutMeans : Centering::AboutZero;
    return {layer, exact_weights(layer), dense.fit, dense.fit, centering, task.threads};
}

std::vector<ErrorPoint> layer_errors(const Layer& layer, const LayerFitting& whole, const SplitRows& dense, const LayerTask& task) {
    const PartialLayer part(layer, whole.exact(), kOutputs);
    const LayerFitting fitting = whole.of(part);
    const LayerJudge judge(part.layer, part.exact, dense.held_out, dense.held_out, {}, task.threads);
    const WeightGrid grid = part_grid(layer, part.layer);
    const double damping = choose_damping({}, grid, fitting, judge, kGainLevel);
    std::vector<ErrorPoint> points;
    for (const double level : kLevels) {
        const std::int64_t zeros = std::llround(level * static_cast<double>(grid.size()));
        MaskedWeights chosen = choose_weights(task.criterion, task.pattern, grid, fitting, zeros, damping, task.number);
        if (task.repair == Repair::Bare) chosen.matrix = masked(part.exact.matrix, chosen.mask);
        if (task.repair == Repair::Full && task.criterion != Criterion::LeastSquares) {
            std::vector<float> matrix = fitting.least_squares(chosen.mask, damping);
            if (!matrix.empty()) chosen.matrix = std::move(matrix);
        }
        const LayerWeights found = task.repair == Repair::Full ? fitting.with_bias(std::move(chosen.matrix))
                                                               : LayerWeights{std::move(chosen.matrix), part.exact.bias};
        points.push_back({level, judge.error(found)});
    }
    return points;
}

double error_gain(const Layer& layer, const LayerFitting& fitting, const SplitRows& dense, const LayerTask& task, const Trial& trial,
                  Graph& pruned) {
    const LayerWeights& exact = fitting.exact();
    const LayerWeights changed = fitting.with_bias(masked(exact.matrix, mask_at(layer, fitting, task, exact, kGainLevel)));
    const double own = LayerJudge(layer, exact, dense.held_out, dense.held_out, {}, task.threads).error(changed);
    if (!(own > 1e-12)) return 1.0;
    set_weights(pruned, layer, changed);
    const double noise = trial.measure(pruned).relative_noise();
    set_weights(pruned, layer, exact);
    return std::isfinite(noise) ? noise / own : 1.0;
}

void set_weights(Graph& pruned, const Layer& layer, const LayerWeights& weights) {
    Value* weight = layer.node->input(1);
    pruned.set_initializer(weight, weight_tensor(layer, weights.matrix, float_weight(layer).shape()));
    if (layer.bias_input < 0) return;
    const Value* old = layer.node->input(layer.bias_input);
    const bool is_zero = std::all_of(weights.bias.begin(), weights.bias.end(), [](float value) { return value == 0.0F; });
    if (!old && is_zero) return;
    const std::string name = old ? old->name() : layer.node->output(0)->name() + "_bias";
    Value* made = pruned.add_constant(name, Tensor::from_values(Shape{static_cast<std::int64_t>(weights.bias.size())}, weights.bias));
    if (layer.node->input_count() <= layer.bias_input) pruned.resize_inputs(layer.node, layer.bias_input + 1);
    pruned.set_input(layer.node, layer.bias_input, made);
}

}  // namespace mcompress
