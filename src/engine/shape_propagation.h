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

/// A value of an enclosing graph that a body reads, or an input of a body, and what it is in this run.
struct GivenValue {
    const Value* value = nullptr;
    ValueType type;
};

struct PropagatedValues {
    std::unordered_map<const Value*, ValueType> types;
    /// What follows from constants and shapes alone.
    mutable std::unordered_map<const Value*, Tensor> known;
    /// Known as well, but large, and an engine that works on codes never looks at them: dequantized weights. tensor() computes them when asked.
    std::unordered_map<const Value*, const Node*> deferred;
    FoldNode fold;
    /// Nodes that are left to execute, in order: no output known, and somebody reads them.
    std::vector<const Node*> nodes;

    mutable std::unordered_map<const Value*, Tensor> widened;  // contents of half-precision values as float32, of those that were asked for

    /// The concrete shape of a tensor value; nothing when it depends on data.
    std::optional<Shape> shape(const Value* value) const;
    /// The type to compute with: float32 in place of the half-precision ones, which are types to store values in.
    DType dtype(const Value* value) const { return is_half(value) ? DType::Float32 : stored_dtype(value); }
    DType stored_dtype(const Value* value) const;
    bool is_half(const Value* value) const {
        const DType stored = stored_dtype(value);
        return stored == DType::Float16 || stored == DType::BFloat16;
    }
    /// Whether the contents are known, without computing them.
    bool is_known(const Value* value) const { return value->constant() || known.contains(value) || deferred.contains(value); }
    /// In the type of dtype(). Null when the contents are not known. Not for several threads at a time.
    const Tensor* tensor(const Value* value) const;
    /// The same in the type of stored_dtype().
    const Tensor* stored_tensor(const Value* value) const;
};

/// An input with a default that `input_shapes` does not name is known. Values in `kept` count as read. Throws kShapeInvalid where shapes do not fit, kDataMismatch when the shape given for an input does not fit its type.
PropagatedValues propagate_values(const Graph& graph, const std::map<std::string, Shape>& input_shapes, std::span<const Value* const> kept,
                                  const FoldNode& fold, std::span<const GivenValue> given = {});

}  // namespace mcompress
