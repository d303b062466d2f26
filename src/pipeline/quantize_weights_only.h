// Quantization of weights alone: whole columns in 8 bits, or blocks.
#pragma once

#include "ir/model.h"
#include "pipeline/compress.h"
#include "report/report.h"

namespace mcompress {

/// Of a prepared float model, by `scheme.weight_only`; embeddings in 8 bits. What was done is added to the report.
void quantize_weights_only(Model& model, const QuantizationScheme& scheme, const QuantizeRequest& request, QuantizeReport& report);

}  // namespace mcompress
