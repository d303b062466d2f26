#include "ir/qualified_name.h"

#include <algorithm>

#include "support/check.h"

namespace mcompress {

namespace {

/// The graphs an attribute holds, in order.
std::vector<const Graph*> graphs_of(const Attribute& attribute) {
    std::vector<const Graph*> graphs;
    if (const auto* one = std::get_if<std::shared_ptr<Graph>>(&attribute.value)) graphs.push_back(one->get());
    if (const auto* several = std::get_if<std::vector<std::shared_ptr<Graph>>>(&attribute.value))
        for (const auto& each : *several) graphs.push_back(each.get());
    return graphs;
}

std::string prefix_of(const Graph& body) {
    for (const Node* node : body.outer()->nodes())
        for (const Attribute& attribute : node->attributes()) {
            const std::vector<const Graph*> graphs = graphs_of(attribute);
            const auto found = std::find(graphs.begin(), graphs.end(), &body);
            if (found == graphs.end()) continue;
            const auto output = std::find_if(node->outputs().begin(), node->outputs().end(), [](const Value* value) { return value; });
            const std::string number = graphs.size() == 1 ? "" : std::to_string(found - graphs.begin());
            return (output == node->outputs().end() ? node->name() : (*output)->name()) + "." + attribute.name + number + "/";
        }
    MCOMPRESS_CHECK(false);
    return {};
}

}  // namespace

std::string qualified_name(const Value& value) {
    std::string name = value.name();
    for (const Graph* graph = &value.graph(); graph->outer(); graph = graph->outer()) name = prefix_of(*graph) + name;
    return name;
}

}  // namespace mcompress
