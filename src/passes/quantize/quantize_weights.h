// quantize-weights: stores constant weights as int8 with a DequantizeLinear behind them.
#pragma once

#include <memory>

#include "passes/pass.h"
#include "quant/scheme.h"

namespace mcompress {

std::unique_ptr<Pass> make_quantize_weights(const QuantizationScheme& scheme);

}  // namespace mcompress
