#include "passes/quantize/weight_codes.h"

#include <algorithm>
#include <cmath>

#include "quant/affine.h"
#include "support/error.h"

namespace mcompress {

ChannelLayout ChannelLayout::of(const Shape& shape, std::optional<int> axis) {
    if (!axis) return {};
    return {std::max<std::int64_t>(shape[*axis], 1), std::max<std::int64_t>(shape.product(*axis + 1, shape.rank()), 1)};
}

void check_finite(const Tensor& tensor, std::string_view name) {
    const std::span<const float> values = tensor.values<float>();
    const auto found = std::find_if_not(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
    if (found == values.end()) return;
    throw Error(codes::kNotFinite, format("element {} of '{}' is {}", found - values.begin(), name, *found),
                "the model was damaged or diverged in training; exclude the node to keep it in float");
}

namespace {

/// Visits the elements of one output channel in the order kernels sum them: the innermost axis fastest, the others row-major around it.
template <typename Visit> void walk_channel(const Shape& shape, const SummationOrder& order, std::int64_t channel, Visit&& visit) {
    const std::vector<std::int64_t> strides = shape.strides();
    std::vector<int> axes;
    for (int axis = 0; axis < shape.rank(); ++axis)
        if (axis != order.channel_axis && axis != order.innermost_axis) axes.push_back(axis);
    axes.push_back(order.innermost_axis);

    std::vector<std::int64_t> index(axes.size(), 0);
    std::int64_t offset = channel * strides[static_cast<std::size_t>(order.channel_axis)];
    const std::int64_t count = shape.element_count() / shape[order.channel_axis];
    for (std::int64_t step = 0; step < count; ++step) {
        visit(step, index.back(), offset);
        for (std::size_t at = axes.size(); at-- > 0;) {
            const std::int64_t stride = strides[static_cast<std::size_t>(axes[at])];
            offset += stride;
            if (++index[at] < shape[axes[at]]) break;
            offset -= stride * index[at];
            index[at] = 0;
        }
    }
}

}  // namespace

std::vector<float> channel_magnitudes(const Tensor& weight, std::optional<int> axis, const std::optional<SummationOrder>& order) {
    const Shape& shape = weight.shape();
    const ChannelLayout layout = ChannelLayout::of(shape, axis);
    const std::span<const float> values = weight.values<float>();
    std::vector<float> magnitudes(static_cast<std::size_t>(layout.channels), 0.0f);
    const auto raise = [&](std::size_t channel, float value) { magnitudes[channel] = std::max(magnitudes[channel], std::fabs(value)); };
    for (std::int64_t at = 0; at < weight.element_count(); ++at) raise(layout.channel(at), values[static_cast<std::size_t>(at)]);
    if (!order) return magnitudes;

    const bool packs_across = shape[order->innermost_axis] % 4 != 0;
    for (std::int64_t channel = 0; channel < shape[order->channel_axis]; ++channel) {
        const std::size_t to = axis ? static_cast<std::size_t>(channel) : 0;
        float previous = 0.0f;
        walk_channel(shape, *order, channel, [&](std::int64_t step, std::int64_t inner, std::int64_t offset) {
            const float value = values[static_cast<std::size_t>(offset)];
            if (inner % 2 == 1 || (packs_across && step % 2 == 1)) raise(to, previous + value);
            previous = value;
        });
    }
    return magnitudes;
}

QuantizedWeight quantize_weight(const Tensor& weight, std::optional<int> axis, const std::optional<SummationOrder>& order, DType dtype,
                                std::string_view name) {
    check_finite(weight, name);
    const ChannelLayout layout = ChannelLayout::of(weight.shape(), axis);
    const std::span<const float> values = weight.values<float>();
    const std::vector<float> magnitudes = channel_magnitudes(weight, axis, order);
    const ChannelParams params = choose_channel_params(magnitudes, dtype, axis.value_or(0));

    QuantizedWeight result{Tensor::uninitialized(dtype, weight.shape()),
                           Tensor::from_values(axis ? Shape{layout.channels} : Shape{}, params.scales)};
    std::int8_t* codes = result.codes.mutable_data<std::int8_t>();
    const QuantRange range = symmetric_weight_range(dtype);
    for (std::int64_t index = 0; index < weight.element_count(); ++index)
        codes[index] = static_cast<std::int8_t>(
            quantize_value(values[static_cast<std::size_t>(index)], params.scales[layout.channel(index)], 0, range));
    return result;
}

}  // namespace mcompress
