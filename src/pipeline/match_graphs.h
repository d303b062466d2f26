// Which node of one graph is which of another: by name first, then by what it is and reads.
#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ir/graph.h"

namespace mcompress {

/// An attribute's value in few words; tensors that are long by a hash, bodies by their number of nodes.
std::string attribute_text(const AttributeValue& value);

struct GraphMatch {
    struct Pair {
        const Node* before;
        const Node* after;
        bool by_name;
    };
    std::vector<Pair> pairs;  // in the order of the second model, bodies behind the graphs around them
    std::vector<const Node*> removed, added;
    /// The same text for the same value of both models; see same_value().
    std::unordered_map<const Value*, std::string> identities;

    /// Inputs of the same name, constants of the same name or content, outputs of matched nodes.
    bool same_value(const Value* before, const Value* after) const;
};

GraphMatch match_graphs(const Graph& before, const Graph& after);

}  // namespace mcompress
