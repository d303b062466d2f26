// Structural verification: every fault of a graph at once, as findings.
#pragma once

#include <vector>

#include "ir/finding.h"
#include "ir/model.h"

namespace mcompress {

/// Checks names, single assignment, uses and producers, cycles, outputs, opset imports, attribute names and bodies.
/// Operator rules (arity, attributes, types) are the op table's: see ops/verify_ops.h.
std::vector<Finding> verify(const Model& model);
std::vector<Finding> verify(const Graph& graph);

}  // namespace mcompress
