#include "ir/verify.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "ir/topology.h"

namespace mcompress {

namespace {

class Verifier {
public:
    std::vector<Finding> findings;

    void check_graph(const Graph& graph, const Graph* outer) {
        check_interface(graph);
        std::unordered_set<const Node*> done;
        const std::vector<Node*> order = graph.order();
        for (const Node* node : order) {
            check_node(graph, *node);
            const auto check_computed = [&](const Value* value) {
                if (value && value->producer() && &value->producer()->graph() == &graph && !done.contains(value->producer()))
                    add(*node, format("reads '{}' before it is computed: the graph has a cycle", value->name()),
                        "nodes that do not wait for themselves");
            };
            for (const Value* value : node->inputs()) check_computed(value);
            if (!node->subgraphs().empty())
                for (const Value* value : captured_values(*node)) check_computed(value);
            done.insert(node);
        }
        if (outer) check_shadowing(graph);
    }

private:
    void add(std::string object, std::string found, std::string expected) {
        findings.push_back({codes::kModelInvalid, std::move(object), std::move(found), std::move(expected)});
    }
    void add(const Node& node, std::string found, std::string expected) { add(node.label(), std::move(found), std::move(expected)); }

    void check_interface(const Graph& graph) {
        if (graph.outputs().empty()) add(format("graph '{}'", graph.name()), "has no output", "at least one");
        for (const Value* value : graph.inputs()) {
            // The type may be declared where the value is an output of the graph, too.
            const Tensor* const held = value->default_value();
            const ValueType& type = value->type();
            if (held && type.is_tensor() && type.dtype != DType::Undefined && type.dtype != held->dtype())
                add(format("graph input '{}'", value->name()),
                    format("is declared as {} but its initializer is {}", dtype_name(type.dtype), dtype_name(held->dtype())),
                    "the same type");
        }
        std::unordered_set<const Value*> seen;
        for (const Value* value : graph.outputs()) {
            if (!seen.insert(value).second)
                add(format("output '{}'", value->name()), "is listed twice among the graph's outputs", "every output once");
            if (&value->graph() != &graph)
                add(format("output '{}'", value->name()), "is a value from outside the body that returns it",
                    "an Identity of it in the body");
            else if (!value->producer() && !value->is_graph_input() && !value->constant() && value->sparse_initializer().empty())
                add(format("output '{}'", value->name()), "is not computed by any node",
                    "an input, an initializer or the output of a node");
        }
    }

    void check_node(const Graph& graph, const Node& node) {
        if (node.op_type().empty()) add(node, "has no operator type", "the name of an operator");
        if (graph.opset_version(node.domain()) == 0 && node.domain() != "mcompress")
            add(node, format("uses domain '{}', which the model does not import", node.domain().empty() ? "ai.onnx" : node.domain()),
                "a domain of the model's opset imports");
        for (int index = 0; index < node.input_count(); ++index) {
            const Value* value = node.input(index);
            if (!value) continue;
            if (!has_use(*value, {const_cast<Node*>(&node), index}))
                add(node, format("reads '{}' without a recorded use", value->name()), "a use of every value that is read");
            if (!is_visible(graph, *value))
                add(node, format("reads '{}', which belongs to a graph it cannot see", value->name()),
                    "a value of its own graph or one around it");
            if (!value->producer() && !value->is_graph_input() && !value->constant() && value->sparse_initializer().empty())
                add(node, format("reads '{}', which nothing computes", value->name()), "an input, an initializer or the output of a node");
        }
        for (const Value* value : node.outputs())
            if (value && value->producer() != &node)
                add(node, format("lists output '{}' of another node", value->name()), "outputs of its own");
        std::unordered_set<std::string_view> names;
        for (const Attribute& attribute : node.attributes())
            if (!names.insert(attribute.name).second) add(node, format("has attribute '{}' twice", attribute.name), "every attribute once");
    }

    static bool is_visible(const Graph& graph, const Value& value) {
        for (const Graph* scope = &graph; scope; scope = scope->outer())
            if (scope == &value.graph()) return true;
        return false;
    }

    /// A value with very many readers (a shared constant) is looked through once, not once a reader.
    bool has_use(const Value& value, const Use& use) {
        constexpr std::size_t kFew = 32;
        if (value.uses().size() <= kFew) return std::find(value.uses().begin(), value.uses().end(), use) != value.uses().end();
        const auto [found, is_new] = uses_.try_emplace(&value);
        if (is_new) found->second.insert(value.uses().begin(), value.uses().end());
        return found->second.contains(use);
    }

    void check_shadowing(const Graph& graph) {
        for (const Node* node : graph.nodes())
            for (const Value* value : node->outputs())
                if (value && graph.outer()->resolve(value->name()))
                    add(*node, format("output '{}' hides a value of the same name outside the body", value->name()), "another name");
    }

    struct UseHash {
        std::size_t operator()(const Use& use) const {
            return std::hash<const void*>()(use.node) * 31 + static_cast<std::size_t>(use.index) * 0x9E3779B97F4A7C15ULL;
        }
    };
    std::unordered_map<const Value*, std::unordered_set<Use, UseHash>> uses_;
};

}  // namespace

std::vector<Finding> verify(const Graph& graph) {
    Verifier verifier;
    for_each_graph(const_cast<Graph&>(graph), [&](Graph& each) { verifier.check_graph(each, each.outer()); });
    return std::move(verifier.findings);
}

std::vector<Finding> verify(const Model& model) {
    std::vector<Finding> findings;
    if (model.opset_imports->empty())
        findings.push_back({codes::kModelInvalid, "model", "imports no operator set", "an opset import of ai.onnx or of another domain"});
    for (const auto& [domain, version] : *model.opset_imports)
        if (version < 1)
            findings.push_back(
                {codes::kModelInvalid, "model", format("imports version {} of domain '{}'", version, domain), "a version from 1"});
    for (Finding& finding : verify(*model.graph)) findings.push_back(std::move(finding));
    return findings;
}

}  // namespace mcompress
