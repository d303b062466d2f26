// The one definition of rounding: q = saturate(round_half_even(x / scale) + zero_point), as ONNX QuantizeLinear says.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>

#include "quant/params.h"

namespace mcompress {

/// Divides (never multiplies by a reciprocal) and rounds half to even in the default rounding mode. NaN gives the zero point.
inline std::int32_t quantize_value(float x, float scale, std::int32_t zero_point, QuantRange range) {
    const float rounded = std::nearbyintf(x / scale);
    if (std::isnan(rounded)) return zero_point;
    const float shifted = rounded + static_cast<float>(zero_point);
    if (shifted <= static_cast<float>(range.min)) return range.min;
    if (shifted >= static_cast<float>(range.max)) return range.max;
    return static_cast<std::int32_t>(shifted);
}

inline float dequantize_value(std::int32_t q, float scale, std::int32_t zero_point) { return static_cast<float>(q - zero_point) * scale; }

}  // namespace mcompress
