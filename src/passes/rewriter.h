// What passes share: walking nodes so that rules may rewrite as they go, and moving values without breaking the interface.
//
// A name means one value: a rewrite may make a name disappear, but a name that stays always denotes the same numbers. Fidelity by
// layer compares values of two models by name, so fused nodes take over the name of the last value they compute.
#pragma once

#include <string>
#include <string_view>

#include "passes/pass.h"

namespace mcompress {

/// Calls visit(node) for every node of the graph and of its bodies, graph by graph, each in topological order. visit may erase the node it
/// is given and nodes that come before it, and add nodes (those are not visited); it must not erase nodes that come later.
template <typename Visit> void for_each_node(Graph& graph, Visit&& visit) {
    for_each_graph(graph, [&](Graph& each) {
        for (Node* node : each.order()) visit(*node);
    });
}

Skip skip(const Node& node, std::string reason);

/// Makes every reader of `from` read `to`, whose type becomes the more specific of both. False when the interface forbids it
/// (Graph::can_replace): nothing has changed then.
bool forward(Value* from, Value* to);

/// Whether `kept` can compute what `absorbed` computes now: both in one graph, the first output of `kept` read by nobody else, nothing but
/// the first output of `absorbed` in use, and the interface free to follow. The clause says why not; it is empty when it can.
std::string why_not_take_over(const Node& kept, const Node& absorbed);
/// The first output of `kept` takes over readers, graph output, type and name of the first output of `absorbed`, which is erased. Requires an
/// empty why_not_take_over().
void take_over(Node* kept, Node* absorbed);

/// Puts a new constant at an input. A constant that only this input reads is replaced where it is and keeps its name; anything else (shared,
/// of an outer graph, a Constant node, absent) is left alone and a new constant is added, named after `name_hint`.
void put_constant(Node* node, int index, Tensor tensor, std::string_view name_hint);

}  // namespace mcompress
