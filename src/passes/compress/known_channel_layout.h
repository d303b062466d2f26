// Known channels behind operators that move elements, pool or reduce.
#pragma once

#include "passes/compress/known_channels.h"

namespace mcompress {

/// Enters what is known of the outputs of a node that gives back elements of its inputs, or averages of equal ones. Does nothing for other operators.
void move_known_channels(const Node& node, KnownChannelTable& table);

}  // namespace mcompress
