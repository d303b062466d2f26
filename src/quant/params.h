// Quantization parameters and the affine map between real and integer values.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/dtype.h"

namespace mcompress {

struct QuantRange {
    std::int32_t min;
    std::int32_t max;
};

/// [0,255] for UInt8, [-128,127] for Int8, and so on for 4-, 16- and 32-bit types. Throws kInternal for others.
QuantRange integer_range(DType dtype);

/// Per-tensor parameters: real = (q - zero_point) * scale.
struct QuantParams {
    float scale = 1.0f;
    std::int32_t zero_point = 0;
    DType dtype = DType::UInt8;
    bool operator==(const QuantParams&) const = default;
};

/// Per-channel parameters along `axis` (zero points all 0 for symmetric weights).
struct ChannelParams {
    std::vector<float> scales;
    std::vector<std::int32_t> zero_points;
    DType dtype = DType::Int8;
    int axis = 0;
};

}  // namespace mcompress
