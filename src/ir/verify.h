// Structural verification: every fault of a graph at once, as findings.
#pragma once

#include <string>
#include <vector>

#include "ir/model.h"

namespace mcompress {

struct Finding {
    std::string object;   // "node 'Conv_3'", "value 'x'"
    std::string problem;  // what was found and what was expected
};

/// Checks names, single assignment, uses and producers, cycles, outputs, opset imports, attribute names and bodies.
/// Operator rules (arity, attributes, types) are the op table's: see ops/verify_ops.h.
std::vector<Finding> verify(const Model& model);
std::vector<Finding> verify(const Graph& graph);

/// Throws kModelInvalid listing every finding, when there is one.
void throw_if_any(const std::vector<Finding>& findings);

}  // namespace mcompress
