// A copy of a graph, to try something on.
#pragma once

#include <memory>

#include "ir/graph.h"

namespace mcompress {

/// A deep copy of a main graph with its bodies: same names, types, order of computation and fingerprint; opset imports of its own. Tensors are
/// shared, so weights are not held twice.
std::unique_ptr<Graph> clone(const Graph& graph);

}  // namespace mcompress
