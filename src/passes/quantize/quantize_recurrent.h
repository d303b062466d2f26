// quantize-recurrent: LSTM with 8-bit weights and with activations that are quantized while the model runs.
#pragma once

#include <memory>

#include "passes/pass.h"
#include "quant/scheme.h"

namespace mcompress {

std::unique_ptr<Pass> make_quantize_recurrent(const QuantizationScheme& scheme);

}  // namespace mcompress
