// Operator rules over a graph: arity, attributes, opset versions, types. Findings, all at once.
#pragma once

#include <unordered_set>
#include <vector>

#include "ir/verify.h"

namespace mcompress {

/// Node by node, with the types that the graph holds.
std::vector<Finding> verify_ops(const Graph& graph);

/// With the types that follow from the graph's inputs and constants, as infer_types has them: what that throws first is here with everything else.
/// Nodes of `left_out` are taken for what their outputs are declared as. Operators that no table knows are warnings.
std::vector<Finding> verify_types(const Graph& graph, const std::unordered_set<const Node*>& left_out);

}  // namespace mcompress
