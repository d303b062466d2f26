// A node: one application of an operator.
#pragma once

#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/attribute.h"
#include "ir/value.h"

namespace mcompress {

class Node {
public:
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    /// Operator domain; the default domain is "" ("ai.onnx" is normalised away when a model is loaded).
    const std::string& domain() const { return domain_; }
    const std::string& op_type() const { return op_type_; }
    /// Whether it is operator `op_type` of the default ONNX domain.
    bool is(std::string_view op_type) const { return domain_.empty() && op_type_ == op_type; }
    bool is(std::string_view domain, std::string_view op_type) const { return domain_ == domain && op_type_ == op_type; }
    /// The opset version its domain is imported at (0 when it is not imported).
    int opset_version() const;
    /// A label for people; may be empty or repeated in the model. See display_name().
    const std::string& name() const { return name_; }
    /// The name, or the name of its first output when it has none.
    std::string display_name() const;
    /// For messages: "node 'Conv_3' (Conv)".
    std::string label() const;
    /// The operator with its domain, unless that is the main one: "Conv", "com.microsoft::Gelu".
    std::string qualified_op_type() const;

    /// An absent optional input or output is null.
    std::span<Value* const> inputs() const { return inputs_; }
    std::span<Value* const> outputs() const { return outputs_; }
    /// Null as well when the index is beyond the end.
    Value* input(int index) const { return index < static_cast<int>(inputs_.size()) ? inputs_[static_cast<std::size_t>(index)] : nullptr; }
    Value* output(int index) const {
        return index < static_cast<int>(outputs_.size()) ? outputs_[static_cast<std::size_t>(index)] : nullptr;
    }
    int input_count() const { return static_cast<int>(inputs_.size()); }
    int output_count() const { return static_cast<int>(outputs_.size()); }

    std::span<const Attribute> attributes() const { return attributes_; }
    const Attribute* attribute(std::string_view name) const;
    /// The subgraphs among the attributes, in order.
    std::vector<Graph*> subgraphs() const;

    Graph& graph() const { return *graph_; }
    const std::string& extra() const { return extra_; }

private:
    friend class Graph;
    explicit Node(Graph* graph) : graph_(graph) {}

    Graph* graph_;
    std::string domain_;
    std::string op_type_;
    std::string name_;
    std::vector<Value*> inputs_;
    std::vector<Value*> outputs_;
    std::vector<Attribute> attributes_;
    std::string extra_;
    std::list<std::unique_ptr<Node>>::iterator position_;
};

/// What Graph::add_node needs. Output names are hints: they are made unique; an empty name asks for one to be made up.
struct NodeSpec {
    std::string op_type;
    std::vector<Value*> inputs;
    std::vector<Attribute> attributes = {};
    std::string name = {};
    std::string domain = {};
    std::vector<std::string> outputs = {""};
    std::string extra = {};
};

}  // namespace mcompress
