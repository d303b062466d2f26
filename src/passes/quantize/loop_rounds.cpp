#include "passes/quantize/loop_rounds.h"

#include <algorithm>
#include <span>

#include "ir/topology.h"
#include "ops/control_flow.h"

namespace mcompress {
namespace {

/// Inputs of the node's body that hold what the round before gave.
std::span<Value* const> carried_inputs(const Node& node) {
    if (node.is("Loop")) {
        const auto inputs = attrs<LoopAttrs>(node).body->inputs();
        return inputs.subspan(std::min<std::size_t>(inputs.size(), 2));
    }
    if (!node.is("Scan") || node.opset_version() < 9) return {};
    const ScanAttrs scan = attrs<ScanAttrs>(node);
    const auto states = static_cast<std::int64_t>(scan.body->inputs().size()) - scan.num_scan_inputs;
    return scan.body->inputs().first(static_cast<std::size_t>(std::max<std::int64_t>(states, 0)));
}

}  // namespace

std::unordered_set<const Value*> values_of_rounds(const Graph& graph) {
    std::unordered_set<const Value*> found;
    const auto depends = [&](const Value* value) { return found.contains(value); };
    for_each_graph(const_cast<Graph&>(graph), [&](Graph& each) {
        for (const Node* node : each.order()) {
            const std::vector<Value*> captured = node->subgraphs().empty() ? std::vector<Value*>{} : captured_values(*node);
            if (std::any_of(node->inputs().begin(), node->inputs().end(), depends) ||
                std::any_of(captured.begin(), captured.end(), depends)) {
                found.insert(node->outputs().begin(), node->outputs().end());
                for (const Graph* body : node->subgraphs()) found.insert(body->inputs().begin(), body->inputs().end());
            }
            const auto carried = carried_inputs(*node);
            found.insert(carried.begin(), carried.end());
        }
    });
    return found;
}

}  // namespace mcompress
