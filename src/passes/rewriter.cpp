#include "passes/rewriter.h"

#include "ir/topology.h"
#include "ops/infer.h"
#include "support/check.h"
#include "support/format.h"

namespace mcompress {

namespace {

bool knows_more(const ValueType& type, const ValueType& before) {
    return type.dtype != before.dtype || type.has_rank() != before.has_rank();
}

}  // namespace

Skip skip(const Node& node, std::string reason) { return {node.display_name(), node.op_type(), std::move(reason)}; }

bool forward(Value* from, Value* to) {
    Graph& graph = from->graph();
    if (!graph.can_replace(from, to)) return false;
    // The types of inputs and constants are given, not inferred.
    if (to->producer())
        if (auto type = merge_types(to->type(), from->type())) {
            // Behind an operator that no table knows, what is declared of the one may contradict what readers of the other do with it.
            if (to->uses().size() > 1 && knows_more(*type, to->type())) return false;
            to->graph().set_type(to, std::move(*type));
        }
    graph.replace_all_uses(from, to);
    return true;
}

std::string why_not_take_over(const Node& kept, const Node& absorbed) {
    const Value* value = kept.output(0);
    const Value* last = absorbed.output(0);
    if (&kept.graph() != &absorbed.graph()) return format("'{}' belongs to another graph", kept.display_name());
    if (value->is_graph_output()) return format("'{}', which it reads, is also a graph output", value->name());
    if (!single_use(value)) return format("'{}', which it reads, has other readers", value->name());
    for (int index = 1; index < absorbed.output_count(); ++index)
        if (absorbed.output(index) && !absorbed.output(index)->is_unused()) return format("its output {} is used", index);
    if (!kept.graph().can_replace(last, value)) return format("'{}' is the name of several graph outputs", last->name());
    return {};
}

void take_over(Node* kept, Node* absorbed) {
    Graph& graph = kept->graph();
    MCOMPRESS_CHECK(&graph == &absorbed->graph());
    Value* value = kept->output(0);
    Value* last = absorbed->output(0);
    const std::string name = last->name();
    const ValueType type = last->type();
    for (int index = 0; index < absorbed->input_count(); ++index) graph.set_input(absorbed, index, nullptr);
    graph.set_type(value, type);
    graph.replace_all_uses(last, value);
    graph.erase(absorbed);
    graph.rename(value, name);
}

void put_constant(Node* node, int index, Tensor tensor, std::string_view name_hint) {
    Graph& graph = node->graph();
    while (node->input_count() <= index) graph.append_input(node, nullptr);
    Value* old = node->input(index);
    if (old && old->is_constant() && &old->graph() == &graph && single_use(old)) {
        graph.set_initializer(old, std::move(tensor));
        return;
    }
    graph.set_input(node, index, graph.add_constant(name_hint, std::move(tensor)));
}

}  // namespace mcompress
