// 8-bit codes with one scale and zero point, as the QLinear operators of com.microsoft have them.
#pragma once

#include <array>

#include "engine/reference/kernel.h"
#include "quant/affine.h"

namespace mcompress::reference {

struct CodeScale {
    float scale = 1.0F;
    std::int32_t zero_point = 0;
    bool operator==(const CodeScale&) const = default;
};

/// The number behind a byte of type UInt8 or Int8.
inline std::int32_t code_of(std::uint8_t byte, DType dtype) {
    return dtype == DType::UInt8 ? std::int32_t{byte} : std::int32_t{static_cast<std::int8_t>(byte)};
}

/// A scale of one element and an optional zero point of one 8-bit element.
CodeScale read_code_scale(const KernelContext& context, int scale, int zero_point);
/// A tensor of UInt8 or Int8 elements as bytes; rejects other types.
const std::uint8_t* code_bytes(const KernelContext& context, const Tensor& tensor);

/// int32 sums times a_scale and the scales of input `b_scale` (one, or one a column), plus the bias of input `bias`, where there is one.
Tensor scaled_sums(const KernelContext& context, const Tensor& sums, float a_scale, int b_scale, int bias);

/// What becomes of each of the 256 bytes.
using ByteTable = std::array<std::uint8_t, 256>;

/// byte → quantize(function(dequantize(byte))), both of type `dtype`.
template <typename Function> ByteTable byte_table(DType dtype, const CodeScale& from, const CodeScale& to, Function function) {
    ByteTable table{};
    for (std::size_t byte = 0; byte < table.size(); ++byte) {
        const float x = from.scale * static_cast<float>(code_of(static_cast<std::uint8_t>(byte), dtype) - from.zero_point);
        table[byte] = static_cast<std::uint8_t>(quantize_value(function(x), to.scale, to.zero_point, integer_range(dtype)));
    }
    return table;
}

/// The byte of a value that is already in units of the output's scale, zero point included: rounded half to even, saturated.
inline std::uint8_t saturated_byte(float value, DType dtype) {
    const QuantRange range = integer_range(dtype);
    const float rounded = std::nearbyintf(value);
    if (!(rounded > static_cast<float>(range.min))) return static_cast<std::uint8_t>(range.min);
    return static_cast<std::uint8_t>(rounded < static_cast<float>(range.max) ? static_cast<std::int32_t>(rounded) : range.max);
}

/// round(sum · factor) + zero point, saturated, with factor = x scale · w scale / y scale: how integer kernels write sums of products back. A
/// division by 1 / factor would move ties, and a network of many layers then gives other answers.
inline std::int32_t requantized_sum(std::int64_t sum, float factor, std::int32_t zero_point, QuantRange range) {
    const float shifted = std::nearbyintf(static_cast<float>(sum) * factor) + static_cast<float>(zero_point);
    if (!(shifted > static_cast<float>(range.min))) return range.min;
    return shifted < static_cast<float>(range.max) ? static_cast<std::int32_t>(shifted) : range.max;
}

}  // namespace mcompress::reference
