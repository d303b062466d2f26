#include "quant/choose_params.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "quant/affine.h"
#include "support/check.h"

namespace mcompress {
namespace {

constexpr double kSmallestScale = std::numeric_limits<float>::min();  // anything below is subnormal
constexpr double kLargestScale = std::numeric_limits<float>::max();

bool is_usable(double scale) { return scale >= kSmallestScale && scale <= kLargestScale; }

/// The code that stands for 0 when codes are laid out symmetrically around it.
std::int32_t symmetric_zero_point(QuantRange codes) { return codes.min < 0 ? 0 : codes.max / 2 + 1; }

/// In double: the difference of two floats can exceed the largest float, and the zero point must not inherit the rounding of the scale.
double exact_scale(ValueRange range, QuantRange codes, Symmetry symmetry) {
    MCOMPRESS_CHECK(range.min <= range.max);  // false for NaN too
    const double low = std::min(static_cast<double>(range.min), 0.0);
    const double high = std::max(static_cast<double>(range.max), 0.0);
    if (symmetry == Symmetry::Symmetric) return std::max(-low, high) / static_cast<double>(codes.max - symmetric_zero_point(codes));
    return (high - low) / (static_cast<double>(codes.max) - static_cast<double>(codes.min));
}

}  // namespace

bool is_degenerate(ValueRange range, DType dtype, Symmetry symmetry) {
    return !is_usable(exact_scale(range, integer_range(dtype), symmetry));
}

QuantParams choose_params(ValueRange range, DType dtype, Symmetry symmetry) {
    const QuantRange codes = integer_range(dtype);
    const std::int32_t symmetric_zero = symmetric_zero_point(codes);
    const double scale = exact_scale(range, codes, symmetry);
    if (!is_usable(scale)) return {1.0f, symmetry == Symmetry::Symmetric ? symmetric_zero : 0, dtype};
    if (symmetry == Symmetry::Symmetric) return {static_cast<float>(scale), symmetric_zero, dtype};

    const double low = std::min(static_cast<double>(range.min), 0.0);
    const double zero = std::nearbyint(static_cast<double>(codes.min) - low / scale);
    const double clipped = std::clamp(zero, static_cast<double>(codes.min), static_cast<double>(codes.max));
    return {static_cast<float>(scale), static_cast<std::int32_t>(clipped), dtype};
}

QuantParams choose_dynamic_params(ValueRange range) {
    const float low = std::min(range.min, 0.0f), high = std::max(range.max, 0.0f), scale = (high - low) / 255.0f;
    if (scale == 0.0f || !std::isfinite(scale)) return {scale, 0, DType::UInt8};
    return {scale, static_cast<std::int32_t>(std::nearbyint(std::clamp(0.0f - low / scale, 0.0f, 255.0f))), DType::UInt8};
}

ValueRange representable_range(const QuantParams& params) {
    const QuantRange codes = integer_range(params.dtype);
    return {dequantize_value(codes.min, params.scale, params.zero_point), dequantize_value(codes.max, params.scale, params.zero_point)};
}

ValueRange union_of(ValueRange a, ValueRange b) { return {std::min(a.min, b.min), std::max(a.max, b.max)}; }

QuantRange symmetric_weight_range(DType dtype) {
    const QuantRange codes = integer_range(dtype);
    return {codes.min < 0 ? -codes.max : codes.min, codes.max};
}

ChannelParams choose_channel_params(std::span<const float> absmax, DType dtype, int axis) {
    const QuantRange codes = symmetric_weight_range(dtype);
    const std::int32_t zero_point = symmetric_zero_point(codes);
    const double steps = static_cast<double>(codes.max - zero_point);

    double largest = 0.0;
    for (const float value : absmax) {
        MCOMPRESS_CHECK(std::isfinite(value) && value >= 0.0f);
        largest = std::max(largest, static_cast<double>(value) / steps);
    }
    const double fallback = largest >= kSmallestScale ? largest : 1.0 / steps;

    ChannelParams params{{}, std::vector<std::int32_t>(absmax.size(), zero_point), dtype, axis};
    params.scales.reserve(absmax.size());
    for (const float value : absmax) {
        const double scale = static_cast<double>(value) / steps;
        params.scales.push_back(static_cast<float>(scale >= kSmallestScale ? scale : fallback));
    }
    return params;
}

float smallest_bias_scale(float bias_absmax) {
    constexpr double kMost = 1073741824.0;  // 2^30
    const double bound = 1.0001 * static_cast<double>(bias_absmax) / kMost;
    return static_cast<float>(std::max(bound, kSmallestScale));
}

}  // namespace mcompress
