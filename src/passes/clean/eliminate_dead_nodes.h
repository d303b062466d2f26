// eliminate-dead-nodes: removes nodes and constants that no output needs.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

/// Before:  `n = Neg (x)  y = Relu (x)` with only y an output
/// After:   `y = Relu (x)`
///
/// Bodies of If, Loop and Scan are cleaned too. ONNX operators have no side effects, so an unknown one whose outputs nobody reads goes as well.
/// Does nothing when every node leads to an output. Graph inputs and outputs of nodes that are partly in use stay: they are interface.
std::unique_ptr<Pass> make_eliminate_dead_nodes();

}  // namespace mcompress
