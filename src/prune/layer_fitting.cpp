#include "prune/layer_fitting.h"

#include <algorithm>
#include <cmath>

#include "prune/residual_rows.h"
#include "support/parallel.h"
#include "tensor/linalg.h"
#include "tune/residual.h"

namespace mcompress {

namespace {

constexpr std::size_t kRowsAtOnce = 1024;

}  // namespace

LayerFitting::LayerFitting(const Layer& layer, LayerWeights exact, const LayerRows& dense, const LayerRows& pruned, Centering centering,
                           int threads)
    : LayerFitting(layer, std::move(exact), centering, threads) {
    if (&dense != &pruned && have_residuals(dense, pruned)) passed_ = residual_of(layer)->passed;
    groups_.resize(static_cast<std::size_t>(layer.groups));
    parallel_for(groups_.size(), threads,
                 [&](int, std::size_t group) { groups_[group] = make_group(dense, pruned, static_cast<std::int64_t>(group), centering); });
}

LayerFitting::Group LayerFitting::make_group(const LayerRows& dense, const LayerRows& pruned, std::int64_t number,
                                             Centering centering) const {
    auto inputs = std::make_shared<Inputs>();
    inputs->moments = input_moments(*layer_, pruned, number, centering, threads_of_group());
    if (!inputs->moments.has_few_rows()) inputs->products = inputs->moments.products(threads_of_group());
    Group group;
    group.targets = results(dense.of_group(*layer_, number),
                            std::span(exact_.matrix).subspan(static_cast<std::size_t>(number) * group_size(), group_size()));
    std::vector<float> left;
    if (&dense != &pruned && have_residuals(dense, pruned)) {
        const std::vector<float> lost = residuals_of(*layer_, dense, number, {});
        left = residuals_of(*layer_, pruned, number, {});
        for (std::size_t at = 0; at < lost.size(); ++at) group.targets[at] += lost[at] - left[at];
    }
    if (is_cut()) {
        auto exact = std::make_shared<Exact>();
        exact->targets = group.targets;
        exact->offsets = left.empty() ? std::vector<float>(group.targets.size(), 0.0F) : std::move(left);
        const std::size_t outputs = static_cast<std::size_t>(layer_->outputs), first = static_cast<std::size_t>(number) * outputs;
        for (std::size_t row = 0; row < exact->offsets.size(); row += outputs)
            for (std::size_t at = 0; at < outputs; ++at) exact->offsets[row + at] += exact_.bias[first + at];
        group.exact = std::move(exact);
    }
    group.inputs = std::move(inputs);
    center(group);
    return group;
}

void LayerFitting::center(Group& group) const {
    group.mean_target = linalg::column_means(group.targets, group.inputs->moments.count, layer_->outputs, threads_of_group());
    if (centering_ == Centering::AboutMeans) subtract_means(group.mean_target, group.targets, threads_of_group());
    find_wanted(group);
}

bool LayerFitting::is_cut() const { return std::isfinite(passed_.low) || std::isfinite(passed_.high); }

LayerFitting LayerFitting::within_passed(const LayerWeights& weights) const {
    LayerFitting fitting = *this;
    if (!is_cut()) return fitting;
    const auto outputs = static_cast<std::size_t>(layer_->outputs), inputs = static_cast<std::size_t>(layer_->inputs);
    parallel_for(groups_.size(), groups_.size() > 1 ? threads_ : 1, [&](int, std::size_t number) {
        Group& group = fitting.groups_[number];
        const Exact& exact = *group.exact;
        const InputMoments& moments = group.inputs->moments;
        const std::span<const float> matrix = std::span(weights.matrix).subspan(number * group_size(), group_size());
        group.targets = results(moments.rows, matrix);  // what the weights give, less the dense bias
        std::vector<double> shifts(outputs);
        for (std::size_t output = 0; output < outputs; ++output) {
            const std::size_t channel = number * outputs + output;
            shifts[output] = static_cast<double>(weights.bias[channel]) - static_cast<double>(exact_.bias[channel]);
            if (centering_ == Centering::AboutMeans)
                for (std::size_t at = 0; at < inputs; ++at)
                    shifts[output] += static_cast<double>(matrix[output * inputs + at]) * moments.mean[at];
        }
        parallel_chunks(group.targets.size() / outputs, kRowsAtOnce, threads_of_group(),
                        [&](std::size_t, std::size_t begin, std::size_t end) {
                            for (std::size_t row = begin; row < end; ++row)
                                for (std::size_t output = 0; output < outputs; ++output) {
                                    const std::size_t at = row * outputs + output;
                                    const float found = group.targets[at] + static_cast<float>(shifts[output]);
                                    const float wanted = exact.targets[at] + exact.offsets[at];
                                    if (wanted <= passed_.low) group.targets[at] = std::min(found, passed_.low - exact.offsets[at]);
                                    else if (wanted >= passed_.high) group.targets[at] = std::max(found, passed_.high - exact.offsets[at]);
                                    else group.targets[at] = exact.targets[at];
                                }
                        });
        fitting.center(group);
    });
    return fitting;
}

void LayerFitting::find_wanted(Group& group) const {
    const Inputs& inputs = *group.inputs;
    if (inputs.products.empty()) return;
    group.wanted.assign(group_size(), 0.0);
    linalg::accumulate_cross(group.targets, inputs.moments.rows, inputs.moments.count, layer_->outputs, layer_->inputs, group.wanted);
    for (double& value : group.wanted) value /= static_cast<double>(std::max<std::int64_t>(1, inputs.moments.count));
}

LayerFitting LayerFitting::of(const PartialLayer& part) const {
    LayerFitting fitting(part.layer, part.exact, centering_, threads_);
    const auto whole = static_cast<std::size_t>(layer_->outputs), some = static_cast<std::size_t>(part.layer.outputs);
    for (std::size_t number = 0; number < groups_.size(); ++number) {
        const Group& from = groups_[number];
        Group group{.inputs = from.inputs, .exact = {}, .targets = {}, .mean_target = {}, .wanted = {}};
        const std::span<const std::size_t> outputs = std::span(part.rows).subspan(number * some, some);
        const std::size_t first = number * whole;
        for (std::size_t row = 0; row < from.targets.size(); row += whole)
            for (const std::size_t output : outputs) group.targets.push_back(from.targets[row + output - first]);
        for (const std::size_t output : outputs) group.mean_target.push_back(from.mean_target[output - first]);
        fitting.find_wanted(group);
        fitting.groups_.push_back(std::move(group));
    }
    return fitting;
}

std::vector<double> LayerFitting::energy() const {
    std::vector<double> energy;
    for (const Group& group : groups_)
        energy.insert(energy.end(), group.inputs->moments.energy.begin(), group.inputs->moments.energy.end());
    return energy;
}

std::vector<double> LayerFitting::spread() const {
    std::vector<double> spread;
    for (const Group& group : groups_)
        spread.insert(spread.end(), group.inputs->moments.spread.begin(), group.inputs->moments.spread.end());
    return spread;
}

MaskedProblem LayerFitting::problem(std::size_t number, double damping) const {
    const Group& group = groups_[number];
    const Inputs& inputs = *group.inputs;
    MaskedProblem problem{.outputs = layer_->outputs,
                          .inputs = layer_->inputs,
                          .weights = std::span(exact_.matrix).subspan(number * group_size(), group_size()),
                          .given = FitMoments{inputs.products, group.wanted, &inputs.inverses},
                          .damping = damping,
                          .threads = threads_of_group()};
    if (inputs.products.empty()) problem.given = FitRows{inputs.moments.count, inputs.moments.rows, group.targets, inputs.moments.spread};
    return problem;
}

std::vector<float> LayerFitting::least_squares(const Mask& mask, double damping) const {
    std::vector<float> matrix(exact_.matrix.size());
    std::vector<std::uint8_t> failed(groups_.size(), 0);
    parallel_for(groups_.size(), groups_.size() > 1 ? threads_ : 1, [&](int, std::size_t group) {
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
    if (layer_->bias_input < 0) return weights;
    const auto inputs = static_cast<std::size_t>(layer_->inputs), outputs = static_cast<std::size_t>(layer_->outputs);
    for (std::size_t channel = 0; channel < weights.bias.size(); ++channel) {
        const Group& group = groups_[channel / outputs];
        double shift = static_cast<double>(exact_.bias[channel]) + group.mean_target[channel % outputs];
        for (std::size_t at = 0; at < inputs; ++at)
            shift -= static_cast<double>(weights.matrix[channel * inputs + at]) * group.inputs->moments.mean[at];
        weights.bias[channel] = static_cast<float>(shift);
    }
    return weights;
}

std::vector<float> LayerFitting::results(std::span<const float> rows, std::span<const float> matrix) const {
    const auto inputs = static_cast<std::size_t>(layer_->inputs), outputs = static_cast<std::size_t>(layer_->outputs);
    std::vector<float> values(inputs == 0 ? 0 : rows.size() / inputs * outputs);
    parallel_chunks(values.size() / std::max<std::size_t>(1, outputs), kRowsAtOnce, threads_of_group(),
                    [&](std::size_t, std::size_t begin, std::size_t end) {
                        const std::size_t count = end - begin;
                        linalg::gemm({rows.subspan(begin * inputs, count * inputs)}, {matrix, linalg::Transpose::Yes},
                                     std::span(values).subspan(begin * outputs, count * outputs),
                                     {.m = static_cast<std::int64_t>(count), .n = layer_->outputs, .k = layer_->inputs});
                    });
    return values;
}

std::vector<float> LayerFitting::matched_scales(const std::vector<float>& matrix) const {
    std::vector<float> scaled = matrix;
    const auto inputs = static_cast<std::size_t>(layer_->inputs), outputs = static_cast<std::size_t>(layer_->outputs);
    parallel_for(groups_.size(), threads_, [&](int, std::size_t number) {
        const Group& group = groups_[number];
        const std::vector<float> found =
            results(group.inputs->moments.rows, std::span(matrix).subspan(number * group_size(), group_size()));
        for (std::size_t output = 0; output < outputs; ++output) {
            double own = 0.0, shared = 0.0;
            for (std::size_t at = output; at < found.size(); at += outputs) {
                own += static_cast<double>(found[at]) * static_cast<double>(found[at]);
                shared += static_cast<double>(found[at]) * static_cast<double>(group.targets[at]);
            }
            const double factor = own > 0.0 ? std::clamp(shared / own, 0.25, 4.0) : 1.0;
            for (std::size_t at = 0; at < inputs; ++at) scaled[number * group_size() + output * inputs + at] *= static_cast<float>(factor);
        }
    });
    return scaled;
}

}  // namespace mcompress
