// A float model from a quantized one.
#pragma once

#include "ir/model.h"
#include "report/report.h"

namespace mcompress {

/// Throws kAlreadyQuantized when the graph holds quantization operators.
void refuse_quantized(const Graph& graph);

/// Takes the quantization out of a model whose types are inferred: pairs, codes of weights, operators on codes. Nothing when it has none. Throws kAlreadyQuantized
/// naming the first operator that has no float form.
std::optional<DequantizeSummary> dequantize_model(Model& model, std::vector<PassRun>& passes);

}  // namespace mcompress
