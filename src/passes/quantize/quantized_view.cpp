#include "passes/quantize/quantized_view.h"

#include "ops/attributes.h"

namespace mcompress {
namespace {

/// Calls visit(value) for the value and for everything transparent nodes make of it.
template <typename Visit> void for_each_alias(const Value* value, Visit&& visit) {
    std::vector<const Value*> pending{value};
    while (!pending.empty()) {
        const Value* current = pending.back();
        pending.pop_back();
        visit(current);
        for (const Use& use : current->uses())
            if (use.index == 0 && is_transparent(*use.node)) pending.push_back(use.node->output(0));
    }
}

}  // namespace

bool is_quantizer(const Node& node) { return node.is("QuantizeLinear") || node.is("com.microsoft", "QuantizeLinear"); }

bool is_dequantizer(const Node& node) { return node.is("DequantizeLinear") || node.is("com.microsoft", "DequantizeLinear"); }

bool is_transparent(const Node& node) {
    if (!node.output(0) || !node.input(0)) return false;
    if (node.is("mcompress", "Observe") || is_quantizer(node)) return true;
    if (!is_dequantizer(node)) return false;
    const Value* codes = node.input(0);
    return known_tensor(codes) || (codes->producer() && is_quantizer(*codes->producer()));
}

Value* see_through(Value* value) {
    while (value && value->producer() && is_transparent(*value->producer())) value = value->producer()->input(0);
    return value;
}

std::vector<Use> readers(const Value* value) {
    std::vector<Use> result;
    for_each_alias(value, [&](const Value* alias) {
        for (const Use& use : alias->uses())
            if (use.index != 0 || !is_transparent(*use.node)) result.push_back(use);
    });
    return result;
}

std::vector<Use> readers_in(const Graph& graph, const Value* value) {
    std::vector<Use> result = readers(value);
    std::erase_if(result, [&](const Use& use) { return &use.node->graph() != &graph; });
    return result;
}

Node* find_transparent(const Graph& graph, const Value* value, std::string_view op_type) {
    Node* found = nullptr;
    for_each_alias(value, [&](const Value* alias) {
        for (const Use& use : alias->uses())
            if (!found && use.index == 0 && &use.node->graph() == &graph && use.node->op_type() == op_type && is_transparent(*use.node))
                found = use.node;
    });
    return found;
}

bool reaches_output(const Value* value) {
    bool found = false;
    for_each_alias(value, [&](const Value* alias) { found = found || alias->is_graph_output(); });
    return found;
}

ReadingOrder::ReadingOrder(const Graph& graph) {
    std::size_t position = 0;
    for (Node* node : graph.order()) {
        places_.emplace(node, Place{position, node});
        for (Graph* body : node->subgraphs())
            for_each_graph(*body, [&](Graph& each) {
                for (const Node* inner : each.nodes()) places_.emplace(inner, Place{position, node});
            });
        ++position;
    }
}

const Node* ReadingOrder::first_reader(const Value* value) const {
    const Node* first = nullptr;
    std::size_t first_position = 0;
    for (const Use& use : value->uses()) {
        const auto found = places_.find(use.node);
        if (found == places_.end() || (first && found->second.position >= first_position)) continue;
        first = found->second.node;
        first_position = found->second.position;
    }
    return first;
}

}  // namespace mcompress
