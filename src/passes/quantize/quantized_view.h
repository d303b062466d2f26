// Looking at a graph with Observe nodes and Quantize/Dequantize pairs in it as if they were not there.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"

namespace mcompress {

/// Observe, QuantizeLinear, and DequantizeLinear of an initializer or of a QuantizeLinear's result.
bool is_transparent(const Node& node);

/// The value behind any chain of transparent nodes: x for an Observe or a Q → DQ of x, the int8 initializer for a dequantized weight.
Value* see_through(Value* value);

/// The uses of a value and of what transparent nodes make of it, without the transparent nodes' own uses.
std::vector<Use> readers(const Value* value);

/// Whether the value, or what transparent nodes make of it, is a graph output.
bool reaches_output(const Value* value);

/// Where new nodes go: in front of the first node that reads a value, so that the listing stays in the order of the data.
class ReadingOrder {
public:
    explicit ReadingOrder(const Graph& graph);
    /// Null when no node of this graph that was there at construction reads it.
    const Node* first_reader(const Value* value) const;

private:
    std::unordered_map<const Node*, std::size_t> positions_;
};

}  // namespace mcompress
