// Whether what the passes placed is what ONNX Runtime's CPU kernels can run on integers.
#pragma once

#include <vector>

#include "ir/graph.h"
#include "passes/pass.h"

namespace mcompress {

/// Operators that read dequantized activations and would run in float all the same, each with the reason: the forms are those of ONNX Runtime's
/// QDQ selectors (DequantizeLinear on every input, QuantizeLinear behind the result). Operators without any integer kernel are not listed unless
/// they were quantized as units.
std::vector<Skip> find_unfused_groups(const Graph& graph);

}  // namespace mcompress
