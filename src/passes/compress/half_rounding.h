// What rounding a tensor to half precision does to its numbers.
#pragma once

#include <cstdint>

#include "tensor/tensor.h"

namespace mcompress {

struct RoundingCounts {
    std::int64_t elements = 0;
    std::int64_t nonzero = 0;
    std::int64_t overflow = 0;   // finite numbers whose rounding is infinite
    std::int64_t flushed = 0;    // numbers other than 0 whose rounding is 0
    std::int64_t subnormal = 0;  // other numbers whose rounding lies below the smallest normal number: fewer digits than the rest
    double largest = 0.0;        // finite magnitude
    double signal = 0.0;         // Σ x² of those that do not overflow
    double noise = 0.0;          // Σ (rounding of x - x)² of the same

    double flushed_share() const { return nonzero == 0 ? 0.0 : static_cast<double>(flushed) / static_cast<double>(nonzero); }
    double noise_share() const { return signal == 0.0 ? 0.0 : noise / signal; }
};

/// The largest finite number of float16 or bfloat16, and the smallest normal one.
double largest_half(DType half);
double smallest_normal_half(DType half);

/// Of a float32 tensor and float16 or bfloat16.
RoundingCounts count_rounding(const Tensor& tensor, DType half);

/// A float16, bfloat16 or float32 tensor as one of these types. Numbers are rounded to nearest, ties to even; finite numbers beyond the range become the
/// largest finite ones, infinities and NaN stay.
Tensor convert_floats(const Tensor& tensor, DType to);

}  // namespace mcompress
