// Values as their codes stand for them, without leaving float32: what a QuantizeLinear and DequantizeLinear pair gives.
#pragma once

#include <span>

#include "quant/params.h"

namespace mcompress {

/// In place. Codes of at most 16 bits; NaN becomes 0.
void fake_quantize(std::span<float> values, const QuantParams& params);

}  // namespace mcompress
