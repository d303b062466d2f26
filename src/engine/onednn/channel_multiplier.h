// Depthwise convolutions with several outputs a channel. oneDNN runs them through matrix products with as many columns, at a tenth of the speed of its depthwise
// kernels; with each channel of the source repeated they are depthwise.
#pragma once

#include "engine/onednn/plan_builder.h"

namespace mcompress::onednn {

/// Outputs a channel of a convolution whose groups have one channel each; 1 of any other.
inline std::int64_t channel_multiplier(std::int64_t channels, std::int64_t outputs, std::int64_t groups) {
    return groups > 1 && groups == channels ? outputs / channels : 1;
}

inline Shape with_channels(const Shape& shape, std::int64_t channels) {
    std::vector<std::int64_t> dims = shape.dims();
    dims[1] = channels;
    return Shape(std::move(dims));
}

/// `source` [N, C, spatial …] with its channels last, each of them `times` times: [N, C * times, spatial …].
BufferId repeated_channels(PlanBuilder& builder, const Value* source, dnnl::memory::data_type type, std::int64_t times);

}  // namespace mcompress::onednn
