// Looking at a graph with Observe nodes and Quantize/Dequantize pairs in it as if they were not there.
#pragma once

#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"

namespace mcompress {

/// QuantizeLinear of the standard, or of com.microsoft, which has 16-bit codes below opset 21.
bool is_quantizer(const Node& node);
/// DequantizeLinear, likewise.
bool is_dequantizer(const Node& node);

/// Observe, QuantizeLinear, and DequantizeLinear of an initializer or of a QuantizeLinear's result.
bool is_transparent(const Node& node);

/// The value behind any chain of transparent nodes: x for an Observe or a Q → DQ of x, the int8 initializer for a dequantized weight.
Value* see_through(Value* value);

/// The uses of a value and of what transparent nodes make of it, without the transparent nodes' own uses.
std::vector<Use> readers(const Value* value);

/// Those of readers() in one graph, its bodies left out: of a value of an outer graph, what a body makes of it.
std::vector<Use> readers_in(const Graph& graph, const Value* value);

/// The transparent node of that operator in one graph that reads the value or what transparent nodes make of it; null when there is none.
Node* find_transparent(const Graph& graph, const Value* value, std::string_view op_type);

/// Whether the value, or what transparent nodes make of it, is a graph output.
bool reaches_output(const Value* value);

/// Where new nodes go: in front of the first node that reads a value, itself or in a body, so that the listing stays in the order of the data.
class ReadingOrder {
public:
    explicit ReadingOrder(const Graph& graph);
    /// Null when no node of this graph that was there at construction reads it, nor a node of their bodies.
    const Node* first_reader(const Value* value) const;

private:
    struct Place {
        std::size_t position;
        const Node* node;  // of this graph
    };
    std::unordered_map<const Node*, Place> places_;
};

/// The reading order of each graph as it was when first asked for.
class ReadingOrders {
public:
    const ReadingOrder& of(const Graph& graph) { return orders_.try_emplace(&graph, graph).first->second; }

private:
    std::unordered_map<const Graph*, ReadingOrder> orders_;
};

}  // namespace mcompress
