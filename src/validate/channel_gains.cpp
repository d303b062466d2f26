#include "validate/channel_gains.h"

#include <algorithm>
#include <cmath>

namespace mcompress {

namespace {

/// Calls visit(channel, index) for every element.
template <typename Visit> void for_each_element(const Shape& shape, int axis, const Visit& visit) {
    const auto channels = static_cast<std::size_t>(shape[axis]);
    const auto outer = static_cast<std::size_t>(shape.product(0, axis));
    const auto inner = static_cast<std::size_t>(shape.product(axis + 1, shape.rank()));
    std::size_t index = 0;
    for (std::size_t block = 0; block < outer; ++block)
        for (std::size_t channel = 0; channel < channels; ++channel)
            for (std::size_t at = 0; at < inner; ++at) visit(channel, index++);
}

}  // namespace

double ChannelGains::Sums::gain() const { return energy > 0.0 ? std::max(0.0, dot / energy) : 1.0; }

double ChannelGains::Sums::explained() const { return energy > 0.0 && dot > 0.0 ? dot * dot / energy : 0.0; }

std::array<int, 2> ChannelGains::axes_of(const Shape& shape) { return {std::min(1, shape.rank() - 1), shape.rank() - 1}; }

void ChannelGains::add(const Shape& shape, std::span<const float> reference, std::span<const float> candidate) {
    if (shape.rank() == 0) return;
    const std::array<int, 2> axes = axes_of(shape);
    for (std::size_t which = 0; which < axes.size(); ++which) {
        AxisSums& sums = by_axis_[which];
        sums.resize(std::max(sums.size(), static_cast<std::size_t>(shape[axes[which]])));
        for_each_element(shape, axes[which], [&](std::size_t channel, std::size_t at) {
            const auto wanted = static_cast<double>(reference[at]), found = static_cast<double>(candidate[at]);
            if (!std::isfinite(wanted) || !std::isfinite(found)) return;
            sums[channel].dot += wanted * found;
            sums[channel].energy += found * found;
        });
    }
}

void ChannelGains::add(const ChannelGains& other) {
    for (std::size_t which = 0; which < by_axis_.size(); ++which) {
        AxisSums& sums = by_axis_[which];
        const AxisSums& more = other.by_axis_[which];
        sums.resize(std::max(sums.size(), more.size()));
        for (std::size_t channel = 0; channel < more.size(); ++channel) {
            sums[channel].dot += more[channel].dot;
            sums[channel].energy += more[channel].energy;
        }
    }
}

std::size_t ChannelGains::better() const {
    std::array<double, 2> explained{};
    for (std::size_t which = 0; which < by_axis_.size(); ++which)
        for (const Sums& sums : by_axis_[which]) explained[which] += sums.explained();
    return explained[1] > explained[0] ? 1 : 0;
}

void ChannelGains::apply(const Shape& shape, std::span<float> candidate) const {
    if (shape.rank() == 0) return;
    const std::size_t which = better();
    const int axis = axes_of(shape)[which];
    const AxisSums& sums = by_axis_[which];
    if (sums.size() != static_cast<std::size_t>(shape[axis])) return;
    std::vector<double> gains;
    for (const Sums& each : sums) gains.push_back(each.gain());
    for_each_element(shape, axis, [&](std::size_t channel, std::size_t at) {
        candidate[at] = static_cast<float>(static_cast<double>(candidate[at]) * gains[channel]);
    });
}

}  // namespace mcompress
