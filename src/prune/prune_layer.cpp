#include "prune/prune_layer.h"

#include <algorithm>
#include <array>
#include <limits>

#include "ops/attributes.h"
#include "prune/chosen_weights.h"
#include "prune/layer_fitting.h"
#include "prune/partial_layer.h"

namespace mcompress {
namespace {

constexpr std::array<RepairRow, 3> kRepairs{{{Repair::Bare, "bare"}, {Repair::None, "none"}, {Repair::Full, "full"}}};
constexpr std::int64_t kJudgedOutputs = 64;  // of a group: enough to choose a damping by
constexpr int kActivationRounds = 3;
constexpr double kLeastGain = 0.999;  // of a round that another one follows

class LayerPruner {
public:
    LayerPruner(const Layer& layer, const SplitRows& dense, const SplitRows& pruned, const LayerTask& task)
        : layer_(layer),
          dense_(dense),
          pruned_(task.repair == Repair::Full ? pruned : dense),
          task_(task),
          centering_(task.repair == Repair::Full && layer.bias_input >= 0 ? Centering::AboutMeans : Centering::AboutZero),
          fitting_(layer, exact_weights(layer), dense.fit, pruned_.fit, centering_, task.threads) {}

    PrunedLayer run() {
        const LayerJudge judge(layer_, fitting_.exact(), dense_.held_out, pruned_.held_out, {}, task_.threads);
        const double damping = least_damping();
        MaskedWeights chosen =
            choose_weights(task_.criterion, task_.pattern, grid_of(layer_), fitting_, task_.zeros, damping, task_.number);
        PrunedLayer best;
        best.mask = std::move(chosen.mask);
        best.weights = {task_.repair == Repair::Bare ? masked(fitting_.exact().matrix, best.mask) : std::move(chosen.matrix),
                        fitting_.exact().bias};
        best.error_before = best.error_after = judge.error(best.weights);
        if (task_.repair != Repair::Full) return best;
        const std::vector<float> base = best.weights.matrix;
        const auto consider = [&](std::string_view method, LayerWeights weights) {
            const double error = judge.error(weights);
            if (!(error < best.error_after)) return;
            best.weights = std::move(weights);
            best.error_after = error;
            best.repair = method;
        };
        consider(task_.criterion == Criterion::LeastSquares ? "least squares" : "bias", fitting_.with_bias(base));
        consider("statistics", fitting_.with_bias(fitting_.matched_scales(base)));
        if (task_.criterion != Criterion::LeastSquares) {
            std::vector<float> matrix = fitting_.least_squares(best.mask, damping);
            if (!matrix.empty()) consider("least squares", fitting_.with_bias(std::move(matrix)));
        }
        LayerWeights last = best.weights;
        for (int round = 0; round < kActivationRounds && fitting_.is_cut(); ++round) {
            const LayerFitting nearer = fitting_.within_passed(last);
            std::vector<float> matrix = nearer.least_squares(best.mask, damping);
            if (matrix.empty()) break;
            last = nearer.with_bias(std::move(matrix));
            const double before = best.error_after;
            consider("least squares behind the activation", last);
            if (best.error_after > kLeastGain * before) break;
        }
        return best;
    }

private:
    double least_damping() const {
        const PartialLayer part(layer_, fitting_.exact(), kJudgedOutputs);
        const LayerFitting fitting = fitting_.of(part);
        const LayerJudge judge(part.layer, part.exact, dense_.held_out, pruned_.held_out, part.rows, task_.threads);
        const double share = static_cast<double>(task_.zeros) / static_cast<double>(grid_of(layer_).size());
        return choose_damping(task_.pattern, part_grid(layer_, part.layer), fitting, judge, share);
    }

    const Layer& layer_;
    const SplitRows& dense_;
    const SplitRows& pruned_;
    const LayerTask& task_;
    Centering centering_;
    LayerFitting fitting_;
};

}  // namespace

std::span<const RepairRow> all_repairs() { return kRepairs; }

std::string_view repair_name(Repair repair) {
    return std::find_if(kRepairs.begin(), kRepairs.end(), [&](const RepairRow& row) { return row.repair == repair; })->name;
}

WeightGrid grid_of(const Layer& layer) {
    const Shape& shape = float_weight(layer).shape();
    const std::int64_t taps = layer.node->is("Conv") ? shape.product(2, shape.rank()) : 1;
    return {layer.groups * layer.outputs, layer.inputs / std::max<std::int64_t>(1, taps), taps, layer.groups};
}

WeightGrid part_grid(const Layer& whole, const Layer& part) {
    WeightGrid grid = grid_of(whole);
    grid.outputs = part.groups * part.outputs;
    return grid;
}

LayerWeights exact_weights(const Layer& layer) { return {weight_matrix(layer, float_weight(layer)), float_bias(layer)}; }

PrunedLayer prune_layer(const Layer& layer, const LayerTask& task) {
    const WeightGrid grid = grid_of(layer);
    PrunedLayer pruned{exact_weights(layer), {}, "none"};
    const std::vector<double> scores = criterion_scores(task.criterion, grid, pruned.weights.matrix, {}, task.number);
    pruned.mask = choose_mask(grid, task.pattern, scores, task.zeros, criterion_row(task.criterion).within);
    pruned.weights.matrix = masked(std::move(pruned.weights.matrix), pruned.mask);
    return pruned;
}

PrunedLayer prune_layer(const Layer& layer, const SplitRows& dense, const SplitRows& pruned, const LayerTask& task) {
    return LayerPruner(layer, dense, pruned, task).run();
}

}  // namespace mcompress
