// Float weights → int8 codes.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "quant/choose_params.h"
#include "quant/saturation.h"
#include "quant/scheme.h"
#include "tensor/tensor.h"

namespace mcompress {

/// Where each channel's elements lie in a row-major tensor: element i belongs to channel (i / inner) % channels.
struct ChannelLayout {
    std::int64_t channels = 1;
    std::int64_t inner = 1;

    /// Without an axis the tensor is one channel.
    static ChannelLayout of(const Shape& shape, std::optional<int> axis);
    std::size_t channel(std::int64_t element) const { return static_cast<std::size_t>(element / inner % channels); }
};

struct QuantizedWeight {
    Tensor codes;
    Tensor scales;  // a scalar without an axis, else [channels]
};

/// Symmetric codes in [-127,127], one scale a channel along `axis`, or one for all: absmax / 127. With a summation order the rows are rounded so that
/// their errors cancel (round_row); with SumWidth::SixteenBitPairs also, a channel (or the tensor, when it has one scale) with pairs of codes that would
/// saturate takes the scale and the codes of least squared error that do not, and channels without such a pair stay as they are. Throws kNotFinite
/// naming `name`.
QuantizedWeight quantize_weight(const Tensor& weight, std::optional<int> axis, const std::optional<SummationOrder>& order, SumWidth sums,
                                DType dtype, std::string_view name);

/// Throws kNotFinite naming `name` when an element is NaN or infinite.
void check_finite(const Tensor& tensor, std::string_view name);

}  // namespace mcompress
