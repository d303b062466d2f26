// A value: what a node, a graph input or a constant produces. Identity is the pointer; the name is a label that Graph keeps unique.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ir/type.h"
#include "tensor/tensor.h"

namespace mcompress {

class Graph;
class Node;
class Value;

/// One place where a value is read: input `index` of `node` (which may sit in a subgraph of the value's graph).
struct Use {
    Node* node;
    int index;
    bool operator==(const Use&) const = default;
};

class Value {
public:
    Value(const Value&) = delete;
    Value& operator=(const Value&) = delete;

    const std::string& name() const { return name_; }
    /// The name in files. Another one than name() only for inputs and outputs of a body that hide a name outside it and by which the operator knows them.
    const std::string& written_name() const { return written_name_.empty() ? name_ : written_name_; }
    const ValueType& type() const { return type_; }
    /// The graph that owns it.
    Graph& graph() const { return *graph_; }

    /// The node that computes it; null for graph inputs and constants.
    Node* producer() const { return producer_; }
    int output_index() const { return output_index_; }

    bool is_graph_input() const { return is_graph_input_; }
    bool is_graph_output() const { return graph_output_uses_ > 0; }
    /// The initializer, when there is one that no caller can override; null otherwise.
    const Tensor* constant() const { return initializer_ && !is_graph_input_ ? &*initializer_ : nullptr; }
    bool is_constant() const { return constant() != nullptr; }
    /// The initializer of a graph input that callers may override.
    const Tensor* default_value() const { return initializer_ && is_graph_input_ ? &*initializer_ : nullptr; }
    /// A sparse initializer: the serialized SparseTensorProto, carried but not interpreted. Empty otherwise.
    const std::string& sparse_initializer() const { return sparse_initializer_; }

    /// Every node input that reads it, subgraphs included, in the order the uses were made.
    std::span<const Use> uses() const { return uses_; }
    /// Nobody reads it: no use and not a graph output.
    bool is_unused() const { return uses_.empty() && graph_output_uses_ == 0; }

    /// Serialized fields of its ValueInfoProto / TensorProto that mcompress does not interpret.
    const std::string& extra() const { return extra_; }
    const std::string& initializer_extra() const { return initializer_extra_; }
    /// It had (or deserves) an entry among the graph's value_info.
    bool is_declared() const { return is_declared_; }

private:
    friend class Graph;
    explicit Value(Graph* graph) : graph_(graph) {}

    Graph* graph_;
    std::string name_;
    std::string written_name_;
    ValueType type_;
    Node* producer_ = nullptr;
    int output_index_ = -1;
    bool is_graph_input_ = false;
    bool is_declared_ = false;
    int graph_output_uses_ = 0;
    std::optional<Tensor> initializer_;
    std::string sparse_initializer_;
    std::string extra_;
    std::string initializer_extra_;
    std::vector<Use> uses_;
    std::list<std::unique_ptr<Value>>::iterator position_;
};

}  // namespace mcompress
