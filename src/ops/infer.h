// Type and shape inference over a graph.
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"
#include "ops/op_info.h"

namespace mcompress {

/// Output types of one node. `constants[i]` is the known value of input i or null. Unknown operators give unknown types.
std::vector<ValueType> infer_node(const Node& node, std::span<const ValueType> inputs, std::span<const Tensor* const> constants);

/// Infers the type of every value from the graph's inputs and constants, and stores it (Graph::set_type), bodies included. What a model
/// declares is kept where inference knows less; a contradiction between declared and inferred is an Error (kShapeInvalid).
void infer_types(Graph& graph);

/// The more specific of two types of one value; nothing when they contradict each other.
std::optional<ValueType> merge_types(const ValueType& a, const ValueType& b);

}  // namespace mcompress
