// The sum of two 8-bit tensors, code by code as ONNX Runtime's QLinearAdd computes it.
#pragma once

#include <cmath>

#include "engine/onednn/int8_elementwise.h"

namespace mcompress::onednn {

/// What the formula of sum_codes() multiplies codes with and adds to them.
struct SumFactors {
    float a, b, offset;

    /// Not so where scales are too far apart for float.
    bool are_finite() const { return std::isfinite(a) && std::isfinite(b) && std::isfinite(offset); }
};
SumFactors sum_factors(const QuantParams& a, const QuantParams& b, const QuantParams& result);

/// to[i] = saturate(round_half_even(a[i]·ra + (b[i]·rb + offset))), ra = scale_a / scale, rb = scale_b / scale,
/// offset = zero_point - (ra·zero_point_a + rb·zero_point_b), each product fused with its sum.
///
/// Dequantizing, adding and quantizing by the letter differs from this in the last bit of a float, thus by one code in a few of 100,000
/// elements: within what the standard allows, but in a deep network one code becomes many. What validate predicts is what the runtime does.
/// `codes.operation` is Add and `codes.slope` 1.
void sum_codes(const std::byte* a, const std::byte* b, std::int64_t count, const BinaryCodes& codes, std::byte* to);

}  // namespace mcompress::onednn
