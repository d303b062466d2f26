// Type and shape inference over a graph.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"
#include "ops/op_info.h"

namespace mcompress {

/// Output types of one node. `constants[i]` is the known value of input i or null. Unknown operators give unknown types.
/// Throws kShapeInvalid or kAttributeInvalid naming the node when it breaks a rule of its operator.
std::vector<ValueType> infer_node(const Node& node, std::span<const ValueType> inputs, std::span<const Tensor* const> constants);

/// What the types that are declared for computed values are good for.
enum class DeclaredTypes {
    MustAgree,       // a contradiction is an error
    ShapesMayBeOld,  // another element type is an error; of another shape only what is inferred counts
    FillGaps         // they serve where inference knows nothing
};

/// Infers the type of every value from the graph's inputs and constants, and stores it (Graph::set_type), bodies included. What is declared is kept where
/// inference knows less. Where it contradicts what is inferred: kShapeInvalid. A shape that an exporter noted and a later tool did not keep true is no reason to
/// refuse a model, though (ONNX Runtime takes what it infers, too); one that contradicts what was stored here before is.
void infer_types(Graph& graph, DeclaredTypes declared = DeclaredTypes::ShapesMayBeOld);

/// What inference found: the type of every value, and the values that are known before execution (constants apart): shapes and what is
/// computed from them.
struct InferredTypes {
    std::unordered_map<const Value*, ValueType> types;
    std::unordered_map<const Value*, Tensor> known_values;

    /// Unknown for a value that inference did not meet.
    const ValueType& type(const Value* value) const;
};

/// As infer_types, without changing the graph, and with the shapes of some graph inputs given by name. What the model declares for values that
/// are computed serves only where inference knows nothing; with shapes given it may differ from what is inferred. Throws kDataMismatch when a
/// given shape contradicts the declared type of the input.
InferredTypes infer_types_for(const Graph& graph, const std::map<std::string, Shape>& input_shapes);

/// The more specific of two types of one value; nothing when they contradict each other.
std::optional<ValueType> merge_types(const ValueType& a, const ValueType& b);

}  // namespace mcompress
