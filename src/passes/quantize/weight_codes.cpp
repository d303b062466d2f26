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

QuantizedWeight quantize_weight(const Tensor& weight, std::optional<int> axis, DType dtype, std::string_view name) {
    check_finite(weight, name);
    const ChannelLayout layout = ChannelLayout::of(weight.shape(), axis);
    const std::span<const float> values = weight.values<float>();

    std::vector<float> absmax(static_cast<std::size_t>(layout.channels), 0.0f);
    for (std::int64_t index = 0; index < weight.element_count(); ++index) {
        float& channel = absmax[layout.channel(index)];
        channel = std::max(channel, std::fabs(values[static_cast<std::size_t>(index)]));
    }
    const ChannelParams params = choose_channel_params(absmax, dtype, axis.value_or(0));

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
