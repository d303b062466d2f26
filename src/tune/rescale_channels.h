// Multiplying channels by factors: the constants around them change, what the model computes does not.
#pragma once

#include <vector>

#include "tune/channel_groups.h"

namespace mcompress {

/// Multiplies channel c by factors[c] > 0, in double. Values whose numbers change get new names (`<name>_equalized`), since a name means one value.
/// `groups` must be those of this graph as it is. False, and nothing has changed, when a constant would not be finite.
bool rescale_channels(Graph& graph, const ChannelGroups& groups, const std::vector<double>& factors);

}  // namespace mcompress
