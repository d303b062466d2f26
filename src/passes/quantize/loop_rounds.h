// What a loop hands from one round to the next.
#pragma once

#include <unordered_set>

#include "ir/graph.h"

namespace mcompress {

/// Values that depend on what the round before of a Loop or Scan gave, in the body and in what lies inside it.
std::unordered_set<const Value*> values_of_rounds(const Graph& graph);

}  // namespace mcompress
