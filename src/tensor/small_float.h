// The floating-point types of 8 and 4 bits, and their conversions. A code stands in the low bits of a byte.
#pragma once

#include <cstdint>

#include "tensor/dtype.h"

namespace mcompress {

/// Float8E4M3FN, Float8E4M3FNUZ, Float8E5M2, Float8E5M2FNUZ, Float8E8M0, Float4E2M1.
bool is_small_float(DType dtype);

/// Exact. NaN for the codes that mean it.
float decode_small_float(DType dtype, std::uint8_t code);

/// What becomes of numbers beyond the largest finite one: that one, or infinity (NaN in types without infinity).
enum class FloatOverflow { Saturates, Escapes };
/// Rounding to Float8E8M0, which has powers of two only. The others round to the nearest, ties to even.
enum class PowerRounding { Up, Down, Nearest };

/// Float4E2M1 has neither infinity nor NaN: what is beyond saturates, NaN becomes minus zero. Float8E8M0 has no zero and no sign:
/// what is not positive becomes the smallest power (NaN when it does not saturate).
std::uint8_t encode_small_float(DType dtype, double value, FloatOverflow overflow, PowerRounding rounding = PowerRounding::Up);

}  // namespace mcompress
