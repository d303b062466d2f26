// Integers that a node takes from a list input: whether one of them can be replaced, and replacing it.
#pragma once

#include <cstdint>
#include <optional>

#include "ir/graph.h"

namespace mcompress {

/// Element `index` of a list input that is a constant, or a Concat of parts of which the one with the element is; nothing otherwise.
std::optional<std::int64_t> list_element(const Node& node, int input, int index);

/// Replaces that element for this node alone. Requires list_element().
void put_list_element(Node& node, int input, int index, std::int64_t value);

}  // namespace mcompress
