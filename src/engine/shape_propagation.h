// What is known of every value once the graph's inputs have concrete shapes: types, and the contents of what no input can change.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"

namespace mcompress {

/// Runs one node on known inputs (an undefined tensor for an absent one); no outputs when it cannot.
using FoldNode = std::function<std::vector<Tensor>(const Node&, std::span<const Tensor>)>;

struct PropagatedValues {
    std::unordered_map<const Value*, ValueType> types;
    /// What follows from constants and shapes alone.
    mutable std::unordered_map<const Value*, Tensor> known;
    /// Known as well, but large, and an engine that works on codes never looks at them: dequantized weights. tensor() computes them when asked.
    std::unordered_map<const Value*, const Node*> deferred;
    FoldNode fold;
    /// Nodes that are left to execute, in order: no output known, and somebody reads them.
    std::vector<const Node*> nodes;

    /// The concrete shape of a tensor value; nothing when it depends on data.
    std::optional<Shape> shape(const Value* value) const;
    DType dtype(const Value* value) const;
    /// Whether the contents are known, without computing them.
    bool is_known(const Value* value) const { return value->constant() || known.contains(value) || deferred.contains(value); }
    /// Null when the contents are not known. Not for several threads at a time.
    const Tensor* tensor(const Value* value) const;
};

/// An input with a default that `input_shapes` does not name is known. Values in `kept` count as read. Throws kShapeInvalid where shapes do not fit, kDataMismatch when the shape given for an input does not fit its type.
PropagatedValues propagate_values(const Graph& graph, const std::map<std::string, Shape>& input_shapes, std::span<const Value* const> kept,
                                  const FoldNode& fold);

}  // namespace mcompress
