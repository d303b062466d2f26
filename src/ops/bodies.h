// What a node's bodies are given.
#pragma once

#include <span>
#include <vector>

#include "ir/node.h"

namespace mcompress {

/// Types of the inputs of the body of a Loop, Scan or SequenceMap, from the types of the node's inputs. Empty for other operators: nothing is known.
std::vector<ValueType> body_input_types(const Node& node, std::span<const ValueType> inputs);

/// As above for SequenceMap alone.
std::vector<ValueType> sequence_map_body_inputs(std::span<const ValueType> inputs);

}  // namespace mcompress
