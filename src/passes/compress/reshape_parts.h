// Reshape and its kin: axes of both sides are made of the same parts.
#pragma once

#include "passes/compress/channel_relations.h"

namespace mcompress {

/// Output 0 holds the elements of input 0 in the same order under other dimensions. Axes are cut into the finest parts that both sides share, from the
/// first axes on and from the last ones back; what lies around extents that are not known freezes.
void relate_same_elements(const Node& node, ChannelRelations& relations);

/// Length of a one-dimensional list input; 0 when it is not known.
int target_length(const Node& node);

}  // namespace mcompress
