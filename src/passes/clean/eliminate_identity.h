// eliminate-identity: removes nodes that give back their input unchanged.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

/// Before:  `i = Identity (x)  d = Dropout (i)  r = Reshape <…> (d)  y = Relu (r)` where r has the shape of d
/// After:   `y = Relu (x)`
///
/// Which operators under which conditions: identity_rules.cpp, one row an operator. Shapes and types must prove it.
/// Does nothing when a Dropout trains; when the node's output is a graph output and its input is a graph input, a constant or another graph
/// output: the interface needs both names. Adding 0 to -0 gives 0; removing the addition leaves -0, which is equal to it.
std::unique_ptr<Pass> make_eliminate_identity();

}  // namespace mcompress
