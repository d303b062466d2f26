// Half-precision numbers in memory: to float32 and back, and float32 rounded to what a half-precision type can hold.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace mcompress::onednn {

/// `half` is Float16 or BFloat16. Rounding is to nearest, ties to even; beyond the largest number lies infinity.
void widen(DType half, const std::byte* from, std::int64_t count, float* to);
void narrow(DType half, const float* from, std::int64_t count, std::byte* to);
/// narrow() and widen() in place.
void round_to(DType half, float* values, std::int64_t count);

}  // namespace mcompress::onednn
