#include "prune/layer_judge.h"

#include <algorithm>

#include "prune/residual_rows.h"
#include "tensor/linalg.h"
#include "tune/residual.h"

namespace mcompress {

LayerJudge::LayerJudge(const Layer& layer, const LayerWeights& exact, const LayerRows& dense, const LayerRows& pruned,
                       std::vector<std::size_t> outputs)
    : layer_(layer),
      outputs_(std::move(outputs)),
      has_residuals_(have_residuals(dense, pruned)),
      passed_(layer.passed),
      pruned_(pruned),
      power_(1e-30) {
    if (has_residuals_) passed_ = residual_of(layer)->passed;
    for (std::int64_t group = 0; group < layer.groups; ++group) {
        expected_.push_back(results(dense, exact, group));
        for (const float value : expected_.back()) power_ += static_cast<double>(value) * static_cast<double>(value);
    }
}

std::vector<float> LayerJudge::results(const LayerRows& rows, const LayerWeights& weights, std::int64_t group) const {
    const auto outputs = static_cast<std::size_t>(layer_.outputs), size = outputs * static_cast<std::size_t>(layer_.inputs);
    const std::size_t first = static_cast<std::size_t>(group) * outputs;
    std::vector<float> values(static_cast<std::size_t>(rows.count) * outputs);
    linalg::gemm({rows.of_group(layer_, group)},
                 {std::span(weights.matrix).subspan(static_cast<std::size_t>(group) * size, size), linalg::Transpose::Yes}, values,
                 {.m = rows.count, .n = layer_.outputs, .k = layer_.inputs});
    if (has_residuals_) {
        const std::vector<float> added = residuals_of(layer_, rows, group, outputs_);
        for (std::size_t at = 0; at < values.size(); ++at) values[at] += added[at];
    }
    for (std::size_t at = 0; at < values.size(); ++at) values[at] = passed_.clamped(values[at] + weights.bias[first + at % outputs]);
    return values;
}

double LayerJudge::error(const LayerWeights& weights) const {
    double sum = 0.0;
    for (std::int64_t group = 0; group < layer_.groups; ++group) {
        const std::vector<float> found = results(pruned_, weights, group);
        const std::vector<float>& expected = expected_[static_cast<std::size_t>(group)];
        for (std::size_t at = 0; at < found.size(); ++at) {
            const double error = static_cast<double>(found[at]) - static_cast<double>(expected[at]);
            sum += error * error;
        }
    }
    return sum / power_;
}

}  // namespace mcompress
