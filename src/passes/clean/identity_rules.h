// When a node gives back its input unchanged.
#pragma once

#include "ir/graph.h"

namespace mcompress {

/// The value that output 0 of the node always equals; null when nothing proves that there is one. It may be the input of a node further up:
/// Transpose (Transpose (x)) and Reshape (Reshape (x)) can give back x.
Value* unchanged_input(const Node& node);

}  // namespace mcompress
