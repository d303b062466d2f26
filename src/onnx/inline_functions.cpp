#include "onnx/inline_functions.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "onnx/function_template.h"
#include "onnx/upgrade.h"
#include "ops/op_info.h"
#include "support/error.h"

namespace mcompress {

namespace {

constexpr int kDeepestNesting = 64;

using Key = std::tuple<std::string, std::string, std::string>;

class Inliner {
public:
    explicit Inliner(Model& model) : model_(model) {
        for (const Function& function : model.functions) {
            FunctionTemplate made = make_template(function);
            const Key key{made.domain, made.name, made.overload};
            if (!by_key_.emplace(key, templates_.size()).second) fail(codes::kModelInvalid, "function '{}' is defined twice", made.label());
            templates_.push_back(std::move(made));
        }
        model_.functions.clear();
    }

    void run() {
        check_calls();
        align_opsets();
        std::vector<Node*> calls = calls_in(*model_.graph);
        while (!calls.empty()) {
            Node* call = calls.back();
            calls.pop_back();
            expand(*call, calls);
        }
        drop_imports();
    }

private:
    const FunctionTemplate* called(const Node& node) const {
        const auto found = by_key_.find({node.domain(), node.op_type(), called_overload(node)});
        return found == by_key_.end() ? nullptr : &templates_[found->second];
    }

    std::vector<Node*> calls_in(Graph& graph) const {
        std::vector<Node*> calls;
        for_each_graph(graph, [&](Graph& current) {
            for (Node* node : current.nodes())
                if (called(*node)) calls.push_back(node);
        });
        return calls;
    }

    /// Nodes of a graph and its bodies with every call expanded; kMostInlinedNodes + 1 stands for all that is more.
    std::int64_t expanded_nodes(Graph& graph, const std::map<const FunctionTemplate*, std::int64_t>& expanded) const {
        std::int64_t count = 0;
        for_each_graph(graph, [&](Graph& current) {
            for (const Node* node : current.nodes()) {
                const FunctionTemplate* const function = called(*node);
                count = std::min(count + (function ? expanded.at(function) : 1), kMostInlinedNodes + 1);
            }
        });
        return count;
    }

    /// Functions are taken once those they call are; what is left over when nothing can be taken any more calls itself.
    void check_calls() const {
        std::map<const FunctionTemplate*, std::size_t> waits_for;
        std::map<const FunctionTemplate*, std::vector<const FunctionTemplate*>> callers;
        std::map<const FunctionTemplate*, std::int64_t> expanded;  // nodes, once every call in it is
        std::size_t taken = 0;
        std::vector<const FunctionTemplate*> ready;
        for (const FunctionTemplate& function : templates_) {
            const auto calls = calls_in(*function.model->graph);
            waits_for[&function] = calls.size();
            for (const Node* call : calls) callers[called(*call)].push_back(&function);
            if (calls.empty()) ready.push_back(&function);
        }
        while (!ready.empty()) {
            const FunctionTemplate* function = ready.back();
            ready.pop_back();
            ++taken;
            expanded[function] = expanded_nodes(*function->model->graph, expanded);
            for (const FunctionTemplate* caller : callers[function])
                if (--waits_for[caller] == 0) ready.push_back(caller);
        }
        if (taken == templates_.size()) {
            if (expanded_nodes(*model_.graph, expanded) > kMostInlinedNodes)
                throw Error(codes::kTooLarge, format("the calls of the model's functions expand to more than {} nodes", kMostInlinedNodes),
                            "export the model without functions that call each other many times over");
            return;
        }
        for (const auto& [function, calls] : waits_for)
            if (calls > 0) fail(codes::kModelInvalid, "function '{}' calls itself, by itself or through others", function->label());
    }

    /// Whether every operator of that domain means the same in two versions.
    static bool is_same_in(Graph& graph, const std::string& domain, int a, int b) {
        bool is_same = true;
        for_each_graph(graph, [&](Graph& current) {
            for (const Node* node : current.nodes())
                if (node->domain() == domain && find_op(domain, node->op_type(), a) != find_op(domain, node->op_type(), b)) is_same = false;
        });
        return is_same;
    }

    void align_opsets() {
        OpsetImports& imports = *model_.opset_imports;
        int newest = 0;
        bool is_newer_wanted = false;
        for (const FunctionTemplate& function : templates_) {
            for (const auto& [domain, version] : *function.model->opset_imports) {
                const int own = imports.emplace(domain, version).first->second;
                if (domain.empty()) newest = std::max(newest, version);
                if (version == own || is_same_in(*function.model->graph, domain, version, own)) continue;
                if (!domain.empty())
                    fail(codes::kOpsetUnsupported, "function '{}' is written for version {} of domain '{}', the model imports version {}",
                         function.label(), version, domain, own);
                is_newer_wanted = is_newer_wanted || version > own;
            }
        }
        if (is_newer_wanted) upgrade_opset(model_, newest);
        const auto target = imports.find("");
        if (target == imports.end()) return;
        for (const FunctionTemplate& function : templates_) {
            OpsetImports& written_for = *function.model->opset_imports;
            const auto own = written_for.find("");
            if (own == written_for.end() || is_same_in(*function.model->graph, "", own->second, target->second)) continue;
            with_context([&] { return format("function '{}'", function.label()); },
                         [&] { upgrade_opset(*function.model, target->second); });
        }
    }

    static void check_nesting(const Graph& graph) {
        int depth = 0;
        for (const Graph* outer = graph.outer(); outer; outer = outer->outer()) ++depth;
        if (depth > kDeepestNesting) fail(codes::kNestingTooDeep, "functions expand to bodies nested more than {} deep", kDeepestNesting);
    }

    void expand(Node& call, std::vector<Node*>& calls) {
        const FunctionTemplate& function = *called(call);
        Graph& graph = call.graph();
        const Graph& body = *function.model->graph;
        check_nesting(graph);
        if (call.inputs().size() > body.inputs().size() || call.outputs().size() > body.outputs().size())
            fail(codes::kModelInvalid, "node '{}' has {} inputs and {} outputs, function '{}' has {} and {}", call.display_name(),
                 call.input_count(), call.output_count(), function.label(), body.inputs().size(), body.outputs().size());
        const FunctionInstance made = instantiate(function, call, kMostInlinedNodes - made_nodes_);
        made_nodes_ += made.node_count;
        for (int index = 0; index < call.output_count(); ++index)
            if (Value* old = call.output(index)) take_over(call, old, made, made.outputs[static_cast<std::size_t>(index)]);
        for (const Graph* held : call.subgraphs()) forget(*held, calls);
        for (Node* node : made.nodes) {
            if (called(*node)) calls.push_back(node);
            for (Graph* held : node->subgraphs())
                for (Node* inner : calls_in(*held)) calls.push_back(inner);
        }
        graph.erase(&call);
    }

    /// Calls in a body that goes away with the call it was given to.
    static void forget(const Graph& body, std::vector<Node*>& calls) {
        std::erase_if(calls, [&](const Node* call) {
            const Graph* graph = &call->graph();
            while (graph && graph != &body) graph = graph->outer();
            return graph != nullptr;
        });
    }

    /// Whoever reads a call's output reads `now`, which takes over the name: it is the one people know, and the model's interface.
    static void take_over(Node& call, Value* old, const FunctionInstance& made, Value* now) {
        Graph& graph = call.graph();
        if (!now) fail(codes::kModelInvalid, "node '{}': '{}' is an input that the call leaves out", call.display_name(), old->name());
        const auto outputs = graph.outputs();
        const bool is_interface = std::find(outputs.begin(), outputs.end(), old) != outputs.end();
        const bool is_new = std::find(made.nodes.begin(), made.nodes.end(), now->producer()) != made.nodes.end();
        const bool can_be_renamed = is_new && !now->is_graph_output();
        if (is_interface && !can_be_renamed) {
            NodeSpec spec{.op_type = "Identity", .inputs = {now}, .name = call.display_name()};
            now = graph.add_node(std::move(spec), &call)->output(0);
        }
        const std::vector<Use> uses(old->uses().begin(), old->uses().end());
        for (const Use& use : uses) graph.replace_use(use, now);
        if (old->is_graph_output())
            for_each_graph(graph, [&](Graph& current) {
                for (std::size_t index = 0; index < current.outputs().size(); ++index)
                    if (current.outputs()[index] == old) current.set_output(static_cast<int>(index), now);
            });
        if (!is_interface && !can_be_renamed) return;
        const std::string name = old->name();
        graph.rename(old, graph.unique_name(name + ".call"));
        graph.rename(now, name);
        if (now->type().kind == ValueType::Kind::Unknown) graph.set_type(now, old->type());
        graph.set_extra(now, old->extra());
        graph.set_declared(now, old->is_declared());
    }

    /// Domains that only the functions had a use for.
    void drop_imports() {
        std::set<std::string> used{""};
        for_each_graph(*model_.graph, [&](Graph& graph) {
            for (const Node* node : graph.nodes()) used.insert(node->domain());
        });
        for (const FunctionTemplate& function : templates_) {
            if (!used.contains(function.domain)) model_.opset_imports->erase(function.domain);
            for (const auto& [domain, version] : *function.model->opset_imports)
                if (!used.contains(domain)) model_.opset_imports->erase(domain);
        }
    }

    Model& model_;
    std::vector<FunctionTemplate> templates_;
    std::map<Key, std::size_t> by_key_;
    std::int64_t made_nodes_ = 0;
};

}  // namespace

void inline_functions(Model& model) {
    if (!model.functions.empty()) Inliner(model).run();
}

}  // namespace mcompress
