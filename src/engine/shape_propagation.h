// What is known of every value once the graph's inputs have concrete shapes: types, and the contents of what no input can change.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"

namespace mcompress {

struct PropagatedValues {
    std::unordered_map<const Value*, ValueType> types;
    /// Constants, and what follows from constants and shapes alone.
    std::unordered_map<const Value*, Tensor> known;
    /// Nodes that are left to execute, in order: no output known, and somebody reads them.
    std::vector<const Node*> nodes;

    /// The concrete shape of a tensor value; nothing when it depends on data.
    std::optional<Shape> shape(const Value* value) const;
    DType dtype(const Value* value) const;
    /// Null when the contents are not known.
    const Tensor* tensor(const Value* value) const;
};

/// Runs one node on known inputs (an undefined tensor for an absent one); no outputs when it cannot.
using FoldNode = std::function<std::vector<Tensor>(const Node&, std::span<const Tensor>)>;

/// Values in `kept` count as read. Throws kShapeInvalid where shapes do not fit, kDataMismatch when the shape given for an input does not fit its type.
PropagatedValues propagate_values(const Graph& graph, const std::map<std::string, Shape>& input_shapes, std::span<const Value* const> kept,
                                  const FoldNode& fold);

}  // namespace mcompress
