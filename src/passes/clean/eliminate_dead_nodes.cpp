#include "passes/clean/eliminate_dead_nodes.h"

#include <algorithm>

namespace mcompress {

namespace {

bool is_dead(const Node& node) {
    return std::all_of(node.outputs().begin(), node.outputs().end(), [](const Value* value) { return !value || value->is_unused(); });
}

class EliminateDeadNodes : public Pass {
public:
    std::string_view name() const override { return "eliminate-dead-nodes"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        std::vector<Graph*> graphs;
        for_each_graph(graph, [&](Graph& each) { graphs.push_back(&each); });
        // Bodies first, so that what only their dead nodes read is dead when its own graph is looked at.
        for (auto each = graphs.rbegin(); each != graphs.rend(); ++each) {
            std::vector<Node*> order = (*each)->order();
            for (auto node = order.rbegin(); node != order.rend(); ++node) {
                if (!is_dead(**node)) continue;
                (*each)->erase(*node);
                ++result.rewrites;
            }
            for (Value* constant : (*each)->constants()) {
                if (!constant->is_unused()) continue;
                (*each)->erase(constant);
                ++result.rewrites;
            }
        }
        return result;
    }
};

}  // namespace

std::unique_ptr<Pass> make_eliminate_dead_nodes() { return std::make_unique<EliminateDeadNodes>(); }

}  // namespace mcompress
