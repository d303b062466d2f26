#include "ir/oddities.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

namespace mcompress {

namespace {

class OddityFinder {
public:
    std::vector<Finding> findings;

    void look_at_metadata(const Model& model) {
        std::map<std::string_view, int> counts;
        for (const auto& [key, value] : model.metadata) ++counts[key];
        for (const auto& [key, count] : counts)
            if (count > 1) add(codes::kAmbiguousNames, format("metadata '{}'", key), format("is there {} times", count), "every key once");
    }

    void look_at(const Graph& graph) {
        look_at_names(graph);
        look_at_order(graph);
        look_at_uses(graph);
    }

private:
    void add(const ErrorCode& code, std::string object, std::string found, std::string expected, std::string remedy = {}) {
        findings.push_back({code, std::move(object), std::move(found), std::move(expected), std::move(remedy), Severity::Warning});
    }

    void look_at_names(const Graph& graph) {
        std::unordered_map<std::string_view, int> counts;
        for (const Node* node : graph.nodes())
            if (!node->name().empty()) ++counts[node->name()];
        for (const Node* node : graph.nodes()) {
            const auto found = counts.find(node->name());
            if (found == counts.end() || found->second < 2) continue;
            add(codes::kAmbiguousNames, node->label(), format("has the name of {} nodes of the graph", found->second), "a name of its own");
            counts.erase(found);
        }
    }

    void look_at_order(const Graph& graph) {
        std::unordered_set<const Node*> listed;
        for (const Node* node : graph.nodes()) {
            for (const Value* value : node->inputs()) {
                const Node* producer = value ? value->producer() : nullptr;
                if (!producer || &producer->graph() != &graph || producer == node || listed.contains(producer)) continue;
                add(codes::kModelInvalid, node->label(),
                    format("reads '{}' and is listed before node '{}', which computes it", value->name(), producer->display_name()),
                    "nodes listed in topological order", "mcompress optimize writes them in order");
                break;
            }
            listed.insert(node);
        }
    }

    void look_at_uses(const Graph& graph) {
        constexpr const char* kRemedy = "mcompress optimize removes it";
        if (!graph.outer())
            for (const Value* input : graph.inputs())
                if (input->is_unused())
                    add(codes::kNoEffect, format("input '{}'", input->name()), "is read by no node", "an input that matters",
                        "export the model without it, if callers need not give it");
        for (const Value* constant : graph.constants())
            if (constant->is_unused())
                add(codes::kNoEffect, format("initializer '{}'", constant->name()),
                    format("of {} bytes is read by no node", constant->constant() ? constant->constant()->byte_size() : 0),
                    "weights that matter", kRemedy);
        for (const Node* node : graph.nodes()) {
            const auto outputs = node->outputs();
            if (std::all_of(outputs.begin(), outputs.end(), [](const Value* value) { return !value || value->is_unused(); }))
                add(codes::kNoEffect, node->label(), "computes nothing that is read", "nodes that matter", kRemedy);
        }
    }
};

}  // namespace

std::vector<Finding> find_oddities(const Model& model) {
    OddityFinder finder;
    finder.look_at_metadata(model);
    for_each_graph(*model.graph, [&](const Graph& graph) { finder.look_at(graph); });
    return std::move(finder.findings);
}

}  // namespace mcompress
