// The graph: the only class that changes nodes and values, so that producers and uses can never be stale.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/node.h"
#include "ir/value.h"

namespace mcompress {

/// Domain → imported version, shared by a model's graph and all its subgraphs. The default domain is "".
using OpsetImports = std::map<std::string, int>;

class Graph {
public:
    /// A main graph.
    explicit Graph(std::shared_ptr<OpsetImports> opset_imports);
    /// A body (of If, Loop, Scan) whose nodes may read values of `outer` and of its outer graphs.
    static std::shared_ptr<Graph> make_body(Graph& outer);
    ~Graph();
    Graph(const Graph&) = delete;
    Graph& operator=(const Graph&) = delete;

    const std::string& name() const { return name_; }
    void set_name(std::string name) { name_ = std::move(name); }
    /// The graph around a body; null for a main graph.
    Graph* outer() const { return outer_; }
    int opset_version(std::string_view domain) const;
    const std::shared_ptr<OpsetImports>& opset_imports() const { return opset_imports_; }
    const std::string& extra() const { return extra_; }
    void set_extra(std::string extra) { extra_ = std::move(extra); }

    // ---- reading ----
    std::span<Value* const> inputs() const { return inputs_; }
    std::span<Value* const> outputs() const { return outputs_; }
    /// Constants in the order they were added, sparse ones last: as a file lists them.
    std::vector<Value*> constants() const;
    std::size_t node_count() const { return nodes_.size(); }
    /// All nodes in a topological order that keeps the listed order where it can; a snapshot that may be mutated while it is walked.
    /// Nodes on a cycle come last, in listed order.
    std::vector<Node*> order() const;
    /// The nodes as listed.
    std::vector<Node*> nodes() const;
    /// The value of that name in this graph (not in an outer one); null when there is none.
    Value* find_value(std::string_view name) const;
    /// As above, searching outer graphs too.
    Value* resolve(std::string_view name) const;

    // ---- building ----
    Value* add_input(std::string_view name, ValueType type);
    /// A constant; its type follows from the tensor. The name is a hint and is made unique.
    Value* add_constant(std::string_view name_hint, Tensor tensor);
    Value* add_sparse_constant(std::string_view name, std::string serialized, ValueType type);
    /// Appends the node, or puts it in front of `before`.
    Node* add_node(NodeSpec spec, const Node* before = nullptr);
    void add_output(Value* value);

    // ---- changing ----
    void set_type(Value* value, ValueType type) { value->type_ = std::move(type); }
    void set_declared(Value* value, bool declared) { value->is_declared_ = declared; }
    void set_extra(Value* value, std::string extra) { value->extra_ = std::move(extra); }
    /// Attaches or replaces a default for a graph input, or replaces the tensor of a constant (and its type).
    void set_initializer(Value* value, Tensor tensor, std::string extra = {});
    void set_input(Node* node, int index, Value* value);
    void append_input(Node* node, Value* value);
    void resize_inputs(Node* node, int count);
    void set_attribute(Node* node, std::string name, AttributeValue value);
    void erase_attribute(Node* node, std::string_view name);
    void set_op_type(Node* node, std::string domain, std::string op_type);
    void set_name(Node* node, std::string name) { node->name_ = std::move(name); }
    void set_extra(Node* node, std::string extra) { node->extra_ = std::move(extra); }
    void set_written_name(Value* value, std::string name) { value->written_name_ = std::move(name); }
    /// Gives the value another name; throws kInternal when another value of this graph has it.
    void rename(Value* value, std::string name);
    void set_output(int index, Value* value);
    void erase_output(int index);

    /// Whether replace_all_uses can keep the interface: false when `from` is a graph output and `to` cannot take over its name
    /// (`to` is a graph input, a graph output, a constant or belongs to another graph).
    bool can_replace(const Value* from, const Value* to) const;
    /// Makes every reader of `from` read `to`, subgraphs included. Where `from` is a graph output, `to` becomes that output and takes over
    /// the name, since output names are the model's interface. Requires can_replace().
    void replace_all_uses(Value* from, Value* to);
    /// Redirects one use only.
    void replace_use(const Use& use, Value* to) { use.node->graph().set_input(use.node, use.index, to); }

    /// Removes a node whose outputs are all unused, and those outputs.
    void erase(Node* node);
    /// Makes an unused output of a node absent.
    void erase_node_output(Node* node, int index);
    /// Removes an unused constant, or an unused graph input.
    void erase(Value* value);

    /// A name not used by any value of this graph, of a graph around it or of a body below it, which may not hide it: the hint itself when it is free.
    std::string unique_name(std::string_view hint) const;

private:
    /// How many values of the bodies below a graph have a name, by its hash: bodies come and go with their nodes, and may outlive them.
    struct BodyNames {
        std::shared_ptr<BodyNames> outer;
        std::unordered_map<std::size_t, int> counts;
    };
    void count_name(std::string_view name, int change) const;
    bool is_taken(std::string_view name) const;
    Value* new_value(std::string name);
    void add_use(Value* value, Node* node, int index);
    void remove_use(Value* value, Node* node, int index);
    void drop_value(Value* value);

    std::string name_;
    std::string extra_;
    Graph* outer_ = nullptr;
    std::shared_ptr<OpsetImports> opset_imports_;
    std::shared_ptr<BodyNames> body_names_ = std::make_shared<BodyNames>();
    std::list<std::unique_ptr<Node>> nodes_;
    std::list<std::unique_ptr<Value>> values_;
    std::unordered_map<std::string, Value*> by_name_;
    std::vector<Value*> inputs_;
    std::vector<Value*> outputs_;
};

/// Calls visit(graph) for the graph and, depth first without recursion, for every body below it.
template <typename Visit> void for_each_graph(Graph& graph, Visit&& visit) {
    std::vector<Graph*> pending{&graph};
    while (!pending.empty()) {
        Graph* current = pending.back();
        pending.pop_back();
        visit(*current);
        for (Node* node : current->nodes())
            for (Graph* body : node->subgraphs()) pending.push_back(body);
    }
}

}  // namespace mcompress
