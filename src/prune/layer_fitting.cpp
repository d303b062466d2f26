#include "prune/layer_fitting.h"

#include <algorithm>

#include "prune/residual_rows.h"
#include "support/parallel.h"
#include "tensor/linalg.h"

namespace mcompress {

LayerFitting::LayerFitting(const Layer& layer, LayerWeights exact, const LayerRows& dense, const LayerRows& pruned, Centering centering,
                           int threads, std::span<const std::size_t> outputs)
    : layer_(layer),
      exact_(std::move(exact)),
      threads_(threads),
      moments_(static_cast<std::size_t>(layer.groups)),
      shift_(moments_.size()),
      mean_shift_(static_cast<std::size_t>(layer.groups * layer.outputs), 0.0) {
    const bool has_shift = &dense != &pruned && have_residuals(dense, pruned);
    parallel_for(moments_.size(), threads, [&](int, std::size_t group) {
        moments_[group] = input_moments(layer, dense, pruned, static_cast<std::int64_t>(group), centering);
        if (has_shift) find_shift(dense, pruned, group, centering, outputs);
    });
}

void LayerFitting::find_shift(const LayerRows& dense, const LayerRows& pruned, std::size_t group, Centering centering,
                              std::span<const std::size_t> outputs) {
    const auto own = static_cast<std::int64_t>(group);
    std::vector<float> lost = residuals_of(layer_, dense, own, outputs);
    const std::vector<float> left = residuals_of(layer_, pruned, own, outputs);
    for (std::size_t at = 0; at < lost.size(); ++at) lost[at] -= left[at];
    const std::vector<double> means = linalg::column_means(lost, dense.count, layer_.outputs);
    std::copy(means.begin(), means.end(), mean_shift_.begin() + static_cast<std::ptrdiff_t>(group * means.size()));
    std::vector<double>& shift = shift_[group];
    shift.assign(group_size(), 0.0);
    linalg::accumulate_cross(lost, pruned.of_group(layer_, own), dense.count, layer_.outputs, layer_.inputs, shift);
    const auto inputs = static_cast<std::size_t>(layer_.inputs);
    for (std::size_t at = 0; at < shift.size(); ++at) {
        shift[at] /= static_cast<double>(std::max<std::int64_t>(1, dense.count));
        if (centering == Centering::AboutMeans) shift[at] -= means[at / inputs] * moments_[group].mean_pruned[at % inputs];
    }
}

std::vector<double> LayerFitting::energy() const {
    std::vector<double> energy;
    for (const InputMoments& moments : moments_) energy.insert(energy.end(), moments.energy.begin(), moments.energy.end());
    return energy;
}

std::vector<double> LayerFitting::spread() const {
    std::vector<double> spread;
    const auto inputs = static_cast<std::size_t>(layer_.inputs);
    for (const InputMoments& moments : moments_)
        for (std::size_t at = 0; at < inputs; ++at) spread.push_back(moments.pruned[at * (inputs + 1)]);
    return spread;
}

MaskedProblem LayerFitting::problem(std::size_t group, double damping) const {
    return {layer_.outputs,
            layer_.inputs,
            std::span(exact_.matrix).subspan(group * group_size(), group_size()),
            moments_[group].pruned,
            moments_[group].cross,
            damping,
            moments_.size() > 1 ? 1 : threads_,
            shift_[group]};
}

std::vector<float> LayerFitting::least_squares(const Mask& mask, double damping) const {
    std::vector<float> matrix(exact_.matrix.size());
    std::vector<std::uint8_t> failed(moments_.size(), 0);
    parallel_for(moments_.size(), moments_.size() > 1 ? threads_ : 1, [&](int, std::size_t group) {
        const auto begin = static_cast<std::ptrdiff_t>(group * group_size()), end = begin + static_cast<std::ptrdiff_t>(group_size());
        const std::vector<float> part = fit_masked(problem(group, damping), Mask(mask.begin() + begin, mask.begin() + end));
        if (part.empty()) failed[group] = 1;
        else std::copy(part.begin(), part.end(), matrix.begin() + begin);
    });
    const bool has_failed = std::any_of(failed.begin(), failed.end(), [](std::uint8_t each) { return each != 0; });
    return has_failed ? std::vector<float>{} : matrix;
}

LayerWeights LayerFitting::with_bias(std::vector<float> matrix) const {
    LayerWeights weights{std::move(matrix), exact_.bias};
    if (layer_.bias_input < 0) return weights;
    const auto inputs = static_cast<std::size_t>(layer_.inputs);
    for (std::size_t channel = 0; channel < weights.bias.size(); ++channel) {
        const InputMoments& moments = moments_[channel / static_cast<std::size_t>(layer_.outputs)];
        double shift = static_cast<double>(exact_.bias[channel]) + mean_shift_[channel];
        for (std::size_t at = 0; at < inputs; ++at)
            shift += static_cast<double>(exact_.matrix[channel * inputs + at]) * moments.mean_dense[at] -
                     static_cast<double>(weights.matrix[channel * inputs + at]) * moments.mean_pruned[at];
        weights.bias[channel] = static_cast<float>(shift);
    }
    return weights;
}

std::vector<float> LayerFitting::matched_scales(const std::vector<float>& matrix) const {
    std::vector<float> scaled = matrix;
    const auto inputs = static_cast<std::size_t>(layer_.inputs), outputs = static_cast<std::size_t>(layer_.outputs);
    parallel_chunks(moments_.size() * outputs, 8, threads_, [&](std::size_t, std::size_t begin, std::size_t end) {
        for (std::size_t channel = begin; channel < end; ++channel) {
            const InputMoments& moments = moments_[channel / outputs];
            const std::span<const float> v(matrix.data() + channel * inputs, inputs), w(exact_.matrix.data() + channel * inputs, inputs);
            double own = 0.0, shared = 0.0;
            for (std::size_t row = 0; row < inputs; ++row) {
                double through = 0.0, across = 0.0;
                for (std::size_t column = 0; column < inputs; ++column) {
                    through += moments.pruned[row * inputs + column] * static_cast<double>(v[column]);
                    across += moments.cross[row * inputs + column] * static_cast<double>(v[column]);
                }
                own += static_cast<double>(v[row]) * through;
                shared += static_cast<double>(w[row]) * across;
            }
            const std::vector<double>& shift = shift_[channel / outputs];
            for (std::size_t at = 0; at < inputs && !shift.empty(); ++at)
                shared += static_cast<double>(v[at]) * shift[channel % outputs * inputs + at];
            const double factor = own > 0.0 ? std::clamp(shared / own, 0.25, 4.0) : 1.0;
            for (std::size_t at = 0; at < inputs; ++at) scaled[channel * inputs + at] *= static_cast<float>(factor);
        }
    });
    return scaled;
}

}  // namespace mcompress
