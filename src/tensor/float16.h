// IEEE half precision and bfloat16 as storage types, and their exact conversions. Rounding is to nearest, ties to even.
#pragma once

#include <cstdint>

#include "tensor/dtype.h"

namespace mcompress {

struct Float16 {
    std::uint16_t bits = 0;
    bool operator==(const Float16&) const = default;
};
struct BFloat16 {
    std::uint16_t bits = 0;
    bool operator==(const BFloat16&) const = default;
};

float to_float(Float16 value);
float to_float(BFloat16 value);
Float16 to_float16(float value);
BFloat16 to_bfloat16(float value);

template <> struct DTypeOf<Float16> { static constexpr DType value = DType::Float16; };
template <> struct DTypeOf<BFloat16> { static constexpr DType value = DType::BFloat16; };

}  // namespace mcompress
