// Whether what the passes placed is what a target's kernels can run on integers.
#pragma once

#include <vector>

#include "ir/graph.h"
#include "passes/pass.h"
#include "quant/target.h"

namespace mcompress {

/// Operators that read dequantized activations and would run in float all the same, each with the reason: the forms are those that the target's runtime
/// looks for (DequantizeLinear on every input, QuantizeLinear behind the result). Operators without any integer kernel are not listed unless they were
/// quantized as units. Those between 16-bit codes are not listed: see is_wide_unit().
std::vector<Skip> find_unfused_groups(const Graph& graph, const Target& target);

/// An operator with weights or two operands that reads or gives 16-bit codes: runtimes on processors compute it in float.
bool is_wide_unit(const Node& node);

}  // namespace mcompress
