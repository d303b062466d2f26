// quantize-activations: puts a QuantizeLinear/DequantizeLinear pair on every observed value.
#pragma once

#include <memory>

#include "passes/pass.h"
#include "quant/calibration_table.h"
#include "quant/scheme.h"

namespace mcompress {

/// `table` may be null when the scheme leaves activations in float; it must outlive the pass.
std::unique_ptr<Pass> make_quantize_activations(const QuantizationScheme& scheme, const CalibrationTable* table);

}  // namespace mcompress
