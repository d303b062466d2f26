// Multiplying channels by factors: the constants around them change, what the model computes does not.
#pragma once

#include <string_view>
#include <vector>

#include "quant/scheme.h"
#include "tune/channel_groups.h"

namespace mcompress {

/// Multiplies channel c by factors[c] > 0, in double. Values whose numbers change get new names (`<name>_equalized`), since a name means one value.
/// `groups` must be those of this graph as it is. False, and nothing has changed, when a constant would not be finite.
bool rescale_channels(Graph& graph, const ChannelGroups& groups, const std::vector<double>& factors);

/// What the scheme says of the type and the symmetry of values goes on to hold for those that rescale_channels() gave new names.
void follow_rescaled_names(const Graph& graph, QuantizationScheme& scheme);

}  // namespace mcompress
