#include "ir/topology.h"

#include <algorithm>
#include <queue>
#include <unordered_map>

namespace mcompress {

namespace {

using Positions = std::unordered_map<const Node*, std::size_t>;

// Calls visit(value) for everything a node reads from its own graph or from outside, bodies included.
template <typename Visit> void for_each_read(const Node& node, Visit&& visit) {
    for (Value* value : node.inputs())
        if (value) visit(value);
    if (node.subgraphs().empty()) return;
    for (Value* value : captured_values(node)) visit(value);
}

bool is_in_order(const std::vector<Node*>& nodes, const Positions& position) {
    for (std::size_t at = 0; at < nodes.size(); ++at) {
        bool good = true;
        for_each_read(*nodes[at], [&](const Value* value) {
            const auto found = position.find(value->producer());
            if (found != position.end() && found->second >= at) good = false;
        });
        if (!good) return false;
    }
    return true;
}

}  // namespace

std::vector<Value*> captured_values(const Node& node) {
    std::vector<Value*> captured;
    std::unordered_set<const Value*> seen;
    std::unordered_set<const Graph*> bodies;
    std::vector<Graph*> list;
    for (Graph* body : node.subgraphs())
        for_each_graph(*body, [&](Graph& graph) {
            bodies.insert(&graph);
            list.push_back(&graph);
        });
    const auto consider = [&](Value* value) {
        if (value && !bodies.contains(&value->graph()) && seen.insert(value).second) captured.push_back(value);
    };
    for (Graph* graph : list) {
        for (const Node* inner : graph->nodes())
            for (Value* value : inner->inputs()) consider(value);
        for (Value* value : graph->outputs()) consider(value);
    }
    return captured;
}

const Use* single_use(const Value* value) { return value->uses().size() == 1 && !value->is_graph_output() ? &value->uses()[0] : nullptr; }

std::vector<Node*> Graph::order() const {
    std::vector<Node*> listed = nodes();
    Positions position;
    position.reserve(listed.size());
    for (std::size_t at = 0; at < listed.size(); ++at) position.emplace(listed[at], at);
    if (is_in_order(listed, position)) return listed;

    std::vector<std::vector<std::size_t>> readers(listed.size());
    std::vector<std::size_t> missing(listed.size(), 0);
    for (std::size_t at = 0; at < listed.size(); ++at)
        for_each_read(*listed[at], [&](const Value* value) {
            const auto found = position.find(value->producer());
            if (found == position.end()) return;
            readers[found->second].push_back(at);
            ++missing[at];
        });
    std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
    for (std::size_t at = 0; at < listed.size(); ++at)
        if (missing[at] == 0) ready.push(at);
    std::vector<Node*> sorted;
    sorted.reserve(listed.size());
    std::vector<char> done(listed.size(), 0);
    while (!ready.empty()) {
        const std::size_t at = ready.top();
        ready.pop();
        done[at] = 1;
        sorted.push_back(listed[at]);
        for (const std::size_t reader : readers[at])
            if (--missing[reader] == 0) ready.push(reader);
    }
    for (std::size_t at = 0; at < listed.size(); ++at)
        if (!done[at]) sorted.push_back(listed[at]);
    return sorted;
}

}  // namespace mcompress
