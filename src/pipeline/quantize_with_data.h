// Static quantization with samples at hand: calibrated, fitted, compared with the float model.
#pragma once

#include "ir/model.h"
#include "pipeline/compress.h"

namespace mcompress {

/// Quantizes a prepared model with `request.data`, which is looked at as often as it pays. False when the request's budget cannot be kept.
bool quantize_with_data(Model& model, const QuantizationScheme& wanted, const QuantizeRequest& request, QuantizeReport& report);

}  // namespace mcompress
