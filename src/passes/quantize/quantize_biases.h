// quantize-biases: stores biases as int32 at the scale of the accumulator.
#pragma once

#include <memory>

#include "passes/pass.h"
#include "quant/scheme.h"

namespace mcompress {

std::unique_ptr<Pass> make_quantize_biases(const QuantizationScheme& scheme);

}  // namespace mcompress
