// Float weights → int8 codes.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "quant/choose_params.h"
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

/// How integer kernels walk the weights that one output channel sums over.
struct SummationOrder {
    int channel_axis = 0;    // output channels
    int innermost_axis = 1;  // the axis whose neighbours are added first
};

/// Greatest |w| of each channel and, with a summation order, also of |w + v| over the pairs that kernels without VNNI add in 16 bits: elements 2i and
/// 2i + 1 along the innermost axis and, where that axis is no multiple of 4, of the whole walk (kernels then pack across it).
/// With codes of at most 127 for that, a pair of codes adds up to at most 128 in magnitude, and 255 (q + p) fits 16 bits: it never saturates.
std::vector<float> channel_magnitudes(const Tensor& weight, std::optional<int> axis, const std::optional<SummationOrder>& order);

struct QuantizedWeight {
    Tensor codes;
    Tensor scales;  // a scalar without an axis, else [channels]
};

/// Symmetric codes in [-127,127], one scale a channel along `axis`, or one for all. Throws kNotFinite naming `name`.
QuantizedWeight quantize_weight(const Tensor& weight, std::optional<int> axis, const std::optional<SummationOrder>& order, DType dtype,
                                std::string_view name);

/// Throws kNotFinite naming `name` when an element is NaN or infinite.
void check_finite(const Tensor& tensor, std::string_view name);

}  // namespace mcompress
