// Quantize, dequantize and arithmetic on 8-bit codes, element by element; exactly ONNX's arithmetic (quant/affine.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "quant/params.h"

namespace mcompress::onednn {

/// to[i] = quantize_value(from[i])
void quantize_elements(const float* from, std::int64_t count, const QuantParams& params, std::byte* to);
/// From [channels, points] to [points, channels]; `stride` elements from one channel to the next.
void quantize_transposed(const float* from, std::int64_t channels, std::int64_t points, std::int64_t stride, const QuantParams& params,
                         std::byte* to);
/// to[i] = (from[i] - zero_point) * scale
void dequantize_elements(const std::byte* from, std::int64_t count, const QuantParams& params, float* to);

enum class CodeArithmetic { Add, Sub, Mul };
struct BinaryCodes {
    CodeArithmetic operation = CodeArithmetic::Add;
    QuantParams a, b, result;
    QuantRange range;  // of the result's codes: narrower than its type's when an activation follows
    float slope = 1.0F;
};
/// Both of `count` elements.
void compute_codes(const std::byte* a, const std::byte* b, std::int64_t count, const BinaryCodes& codes, std::byte* to);

using CodeTable = std::array<std::byte, 256>;  // indexed by the code's bits
void apply_table(const std::byte* from, std::int64_t count, const CodeTable& table, std::byte* to);

/// sums[c] += from[c], codes of the type.
void add_codes(const std::byte* from, std::int64_t count, DType dtype, std::int32_t* sums);

}  // namespace mcompress::onednn
