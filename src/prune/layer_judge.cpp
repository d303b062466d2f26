#include "prune/layer_judge.h"

#include <numeric>

#include "prune/residual_rows.h"
#include "support/parallel.h"
#include "tensor/linalg.h"
#include "tune/residual.h"

namespace mcompress {
namespace {

constexpr std::size_t kRowsAtOnce = 1024;

/// Of values, less others where there are any.
double squares_of(std::span<const float> values, std::span<const float> less) {
    double sum = 0.0;
    for (std::size_t at = 0; at < values.size(); ++at) {
        const double value = static_cast<double>(values[at]) - (less.empty() ? 0.0 : static_cast<double>(less[at]));
        sum += value * value;
    }
    return sum;
}

}  // namespace

LayerJudge::LayerJudge(const Layer& layer, const LayerWeights& exact, const LayerRows& dense, const LayerRows& pruned,
                       std::vector<std::size_t> outputs, int threads)
    : layer_(layer),
      threads_(threads),
      outputs_(std::move(outputs)),
      has_residuals_(have_residuals(dense, pruned)),
      passed_(layer.passed),
      pruned_(pruned),
      power_(1e-30) {
    if (has_residuals_) passed_ = residual_of(layer)->passed;
    expected_.resize(static_cast<std::size_t>(layer.groups));
    power_ += sum_of_groups([&](std::size_t group) {
        expected_[group] = results(dense, exact, group);
        return squares_of(expected_[group], {});
    });
}

double LayerJudge::sum_of_groups(const std::function<double(std::size_t)>& part) const {
    std::vector<double> parts(static_cast<std::size_t>(layer_.groups));
    parallel_for(parts.size(), threads_, [&](int, std::size_t group) { parts[group] = part(group); });
    return std::accumulate(parts.begin(), parts.end(), 0.0);
}

std::vector<float> LayerJudge::results(const LayerRows& rows, const LayerWeights& weights, std::size_t group) const {
    const auto outputs = static_cast<std::size_t>(layer_.outputs), inputs = static_cast<std::size_t>(layer_.inputs);
    const std::span<const float> x = rows.of_group(layer_, static_cast<std::int64_t>(group));
    const std::span<const float> matrix = std::span(weights.matrix).subspan(group * outputs * inputs, outputs * inputs);
    std::vector<float> values(static_cast<std::size_t>(rows.count) * outputs);
    if (has_residuals_) values = residuals_of(layer_, rows, static_cast<std::int64_t>(group), outputs_);
    parallel_chunks(static_cast<std::size_t>(rows.count), kRowsAtOnce, layer_.groups > 1 ? 1 : threads_,
                    [&](std::size_t, std::size_t begin, std::size_t end) {
                        const std::size_t count = end - begin;
                        const std::span<float> to = std::span(values).subspan(begin * outputs, count * outputs);
                        linalg::gemm({x.subspan(begin * inputs, count * inputs)}, {matrix, linalg::Transpose::Yes}, to,
                                     {.m = static_cast<std::int64_t>(count), .n = layer_.outputs, .k = layer_.inputs},
                                     has_residuals_ ? linalg::Store::Add : linalg::Store::Overwrite);
                        for (std::size_t row = 0; row < to.size(); row += outputs)
                            for (std::size_t at = 0; at < outputs; ++at)
                                to[row + at] = passed_.clamped(to[row + at] + weights.bias[group * outputs + at]);
                    });
    return values;
}

double LayerJudge::error(const LayerWeights& weights) const {
    return sum_of_groups([&](std::size_t group) { return squares_of(results(pruned_, weights, group), expected_[group]); }) / power_;
}

}  // namespace mcompress
