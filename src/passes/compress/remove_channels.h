// Removes channels from a graph: constants, attributes, shapes and types follow.
#pragma once

#include <span>
#include <vector>

#include "passes/compress/channel_units.h"

namespace mcompress {

/// Removes the units marked in `removed` (one entry a unit), which must leave an index on every axis (choosable()). Constants that others read
/// too are copied first. `units` is void afterwards. Throws kInternal when the types that follow contradict the operators.
void remove_channels(Graph& graph, const ChannelUnits& units, const std::vector<bool>& removed);

/// The elements of a tensor of whole bytes at these indices of one axis, in order.
Tensor take_along(const Tensor& tensor, int axis, std::span<const std::int64_t> indices);

}  // namespace mcompress
