// Operator rules over a graph: arity, attributes, opset versions, types. Findings, all at once.
#pragma once

#include <vector>

#include "ir/verify.h"

namespace mcompress {

std::vector<Finding> verify_ops(const Graph& graph);

}  // namespace mcompress
