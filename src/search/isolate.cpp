#include "search/isolate.h"

#include <algorithm>
#include <unordered_map>

#include "ir/clone.h"
#include "ir/qualified_name.h"
#include "ir/topology.h"
#include "ops/attributes.h"
#include "passes/clean/eliminate_dead_nodes.h"
#include "passes/quantize/op_rules.h"
#include "passes/quantize/qdq_pair.h"

namespace mcompress {
namespace {

using Marks = std::unordered_set<std::string>;
using NodesByOutput = std::unordered_map<std::string, const Node*>;

NodesByOutput nodes_by_output(const Graph& graph) {
    NodesByOutput found;
    for_each_graph(const_cast<Graph&>(graph), [&](Graph& each) {
        for (const Node* node : each.nodes())
            if (node->output(0)) found.emplace(qualified_name(*node->output(0)), node);
    });
    return found;
}

bool is_dequantized_constant(const Value* value) {
    return value && value->producer() && value->producer()->is("DequantizeLinear") && known_tensor(value->producer()->input(0));
}

bool is_marked(const Node& node, const Marks& marks) { return node.output(0) && marks.contains(qualified_name(*node.output(0))); }

void bypass_pair(Graph& graph, Node* node, const Marks& marks) {
    const std::optional<QdqPair> pair = pair_behind(node->output(0));
    if (!pair || is_marked(*pair->quantize, marks)) return;
    const std::vector<Use> uses(node->output(0)->uses().begin(), node->output(0)->uses().end());
    for (const Use& use : uses) graph.replace_use(use, pair->source());
}

/// Puts the float weight and bias back. A bias that only the quantized graph has goes.
void restore_constants(Node* node, const Node& original) {
    Graph& graph = node->graph();
    for (int index = 1; index < node->input_count(); ++index) {
        if (!node->input(index) || (!is_dequantized_constant(node->input(index)) && !known_tensor(node->input(index)))) continue;
        const Tensor* exact = original.input(index) ? known_tensor(original.input(index)) : nullptr;
        if (exact) graph.set_input(node, index, graph.add_constant(original.input(index)->name() + "_exact", *exact));
        else if (!original.input(index)) graph.set_input(node, index, nullptr);
    }
}

/// Finds what a change reaches and cuts the rest off.
class Cutter {
public:
    Cutter(ReachedPart& part, const Graph& reference, const Marks& marks)
        : part_(part), graph_(*part.graph), reference_(reference), marks_(marks) {}

    void run() {
        mark_reached();
        drop_outputs();
        for (Node* node : graph_.order())
            if (kept_.contains(node)) keep_inputs(*node);
        make_eliminate_dead_nodes()->run(graph_);
        const std::vector<Value*> inputs(graph_.inputs().begin(), graph_.inputs().end());
        for (Value* input : inputs)
            if (input->is_unused()) graph_.erase(input);
        for (const Value* input : graph_.inputs()) {
            const auto found = stands_for_.find(input);
            part_.inputs.push_back(found == stands_for_.end() ? reference_.find_value(input->name()) : found->second);
        }
    }

private:
    bool holds_source(const Node& node) {
        bool found = is_marked(node, marks_);
        for (Graph* body : node.subgraphs())
            for_each_graph(*body, [&](Graph& each) {
                for (const Node* inner : each.nodes()) found = found || is_marked(*inner, marks_);
            });
        return found;
    }

    void mark_reached() {
        const auto is_reached = [&](const Value* value) { return reached_.contains(value); };
        for (Node* node : graph_.order()) {
            const std::vector<Value*> captured = node->subgraphs().empty() ? std::vector<Value*>{} : captured_values(*node);
            const bool starts = holds_source(*node);
            if (starts) note_change(*node);
            if (!starts && std::none_of(node->inputs().begin(), node->inputs().end(), is_reached) &&
                std::none_of(captured.begin(), captured.end(), is_reached))
                continue;
            kept_.insert(node);
            reached_.insert(node->outputs().begin(), node->outputs().end());
        }
        reached_.erase(nullptr);
    }

    void note_change(const Node& node) {
        if (!node.is("QuantizeLinear")) {
            part_.changed.push_back(node.output(0));
            part_.changed_exact.push_back(reference_.find_value(node.output(0)->name()));
        } else if (!node.output(0)->uses().empty()) {
            part_.changed.push_back(node.output(0)->uses()[0].node->output(0));
            part_.changed_exact.push_back(reference_.find_value(node.input(0)->name()));
        }
    }

    void drop_outputs() {
        for (std::size_t at = 0; at < graph_.outputs().size(); ++at)
            if (reached_.contains(graph_.outputs()[at])) part_.outputs.push_back(at);
        for (int at = static_cast<int>(graph_.outputs().size()) - 1; at >= 0; --at)
            if (!reached_.contains(graph_.outputs()[static_cast<std::size_t>(at)])) graph_.erase_output(at);
    }

    bool can_be_read(const Value& value) const {
        const Value* original = reference_.find_value(value.name());
        return value.type().is_tensor() && is_float(value.type().dtype) && original && !original->is_constant() &&
               original->type().is_tensor();
    }

    /// Cuts above a node, or keeps what computes its inputs.
    void keep_inputs(Node& node) {
        std::vector<Value*> read(node.inputs().begin(), node.inputs().end());
        if (!node.subgraphs().empty()) {
            const std::vector<Value*> captured = captured_values(node);
            read.insert(read.end(), captured.begin(), captured.end());
        }
        for (Value* value : read) {
            if (!value || reached_.contains(value) || !value->producer() || kept_.contains(value->producer()) || known_tensor(value))
                continue;
            if (can_be_read(*value)) {
                cut(value);
            } else {
                kept_.insert(value->producer());
                keep_inputs(*value->producer());
            }
        }
    }

    void cut(Value* value) {
        Value* input = graph_.add_input(graph_.unique_name(value->name() + "_known"), value->type());
        stands_for_.emplace(input, reference_.find_value(value->name()));
        const std::vector<Use> uses(value->uses().begin(), value->uses().end());
        for (const Use& use : uses) graph_.replace_use(use, input);
    }

    ReachedPart& part_;
    Graph& graph_;
    const Graph& reference_;
    const Marks& marks_;
    std::unordered_set<const Node*> kept_;
    std::unordered_set<const Value*> reached_;
    std::unordered_map<const Value*, const Value*> stands_for_;
};

}  // namespace

std::unique_ptr<Graph> keep_sources(const Graph& quantized, const Graph& reference, const Marks& marks) {
    std::unique_ptr<Graph> graph = clone(quantized);
    const NodesByOutput originals = nodes_by_output(reference);
    for_each_graph(*graph, [&](Graph& each) {
        for (Node* node : each.order()) {
            if (node->is("DequantizeLinear")) bypass_pair(each, node, marks);
            if (find_op_rule(*node).role != QuantizedRole::Compute || is_marked(*node, marks)) continue;
            const auto original = originals.find(qualified_name(*node->output(0)));
            if (original != originals.end()) restore_constants(node, *original->second);
        }
    });
    make_eliminate_dead_nodes()->run(*graph);
    return graph;
}

ReachedPart cut_to_reached(std::unique_ptr<Graph> graph, const Graph& reference, const Marks& marks) {
    ReachedPart part;
    part.graph = std::move(graph);
    Cutter(part, reference, marks).run();
    return part;
}

}  // namespace mcompress
