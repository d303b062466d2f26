// Questions about the order and reachability of nodes.
#pragma once

#include <functional>
#include <unordered_set>
#include <vector>

#include "ir/graph.h"

namespace mcompress {

/// Outer values that a node's bodies read, each once, in order of first use.
std::vector<Value*> captured_values(const Node& node);

/// The only use of a value that is read exactly once and is no graph output; null otherwise.
const Use* single_use(const Value* value);

}  // namespace mcompress
