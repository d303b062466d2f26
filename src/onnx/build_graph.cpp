#include "onnx/build_graph.h"

#include <unordered_map>
#include <unordered_set>

#include "onnx/convert_attribute.h"
#include "onnx/convert_type.h"
#include "onnx/inline_external.h"
#include "onnx/sparse_tensor.h"
#include "support/error.h"

namespace mcompress {

namespace {

/// A graph that exists but is still empty.
struct Pending {
    Graph* graph;
    std::unique_ptr<onnx::GraphProto> proto;
};

/// The names of a file. They differ from the graph's own where a body hides a name of an outer graph, which gets another name when it is added.
class Names {
public:
    /// Notes what the file calls a new value of `graph`.
    void add(const Graph& graph, const std::string& name, Value* value) {
        if (value->name() == name) return;
        renamed_[&graph][name] = value;
        made_up_.insert(value);
    }
    /// Marks a value that the file has no name for.
    void add_nameless(const Value* value) { made_up_.insert(value); }

    Value* find(const Graph& graph, const std::string& name) const {
        if (const auto scope = renamed_.find(&graph); scope != renamed_.end())
            if (const auto found = scope->second.find(name); found != scope->second.end()) return found->second;
        Value* value = graph.find_value(name);
        return value && !made_up_.contains(value) ? value : nullptr;
    }

    Value* resolve(const Graph& graph, const std::string& name) const {
        for (const Graph* scope = &graph; scope; scope = scope->outer())
            if (Value* value = find(*scope, name)) return value;
        return nullptr;
    }

private:
    std::unordered_map<const Graph*, std::unordered_map<std::string, Value*>> renamed_;
    std::unordered_set<const Value*> made_up_;
};

class GraphBuilder {
public:
    GraphBuilder(const GraphSource& source, std::vector<Finding>& findings) : source_(source), findings_(findings) {}

    std::unordered_set<const Node*> run(std::unique_ptr<onnx::GraphProto> proto, Graph& graph) {
        pending_.push_back({&graph, std::move(proto)});
        while (!pending_.empty()) {
            Pending next = std::move(pending_.back());
            pending_.pop_back();
            build(*next.graph, *next.proto);
        }
        return std::move(unread_);
    }

private:
    void build(Graph& graph, onnx::GraphProto& proto) {
        graph.set_name(proto.name());
        add_inputs(graph, proto);
        add_initializers(graph, proto);
        add_sparse_initializers(graph, proto);
        const std::vector<Node*> nodes = add_nodes(graph, proto);
        connect_inputs(graph, proto, nodes);
        add_outputs(graph, proto);
        take_value_info(graph, proto);
        proto.clear_name();
        proto.clear_node();
        proto.clear_initializer();
        proto.clear_sparse_initializer();
        proto.clear_input();
        proto.clear_output();
        if (proto.ByteSizeLong() > 0) graph.set_extra(serialize(proto));
    }

    void add_finding(std::string object, std::string found, std::string expected) {
        findings_.push_back({codes::kModelInvalid, std::move(object), std::move(found), std::move(expected)});
    }

    /// A value for what could not be read or is defined nowhere: of it nothing is known, so that nothing else is found wrong with it.
    Value* add_stand_in(Graph& graph, const std::string& name) {
        constexpr const char* kUnread = "?";
        return graph.add_sparse_constant(graph.unique_name(name), kUnread, {});
    }

    /// True when the name can be given to a new value; otherwise the fault is noted.
    bool is_free(const Graph& graph, const std::string& object, const std::string& name) {
        if (name.empty()) add_finding(object, "has no name", "a name to be read by");
        else if (names_.find(graph, name)) add_finding(object, "has a name that another value has", "every name to be assigned once");
        else return true;
        return false;
    }

    ValueType declared_type(const onnx::ValueInfoProto& info) {
        if (const auto number = unknown_element_type(info.type()))
            add_finding(format("value '{}'", info.name()), format("is declared with the element type {}", *number),
                        "one of the types 1 to 26 that ONNX defines");
        return take_type(info.type());
    }

    /// Operators of other domains (BeamSearch) know what goes into and comes out of their bodies by name, which may hide one outside.
    void keep_name(Graph& graph, const std::string& name, Value* value) const {
        if (value->name() != name && of_other_domains_.contains(&graph)) graph.set_written_name(value, name);
    }

    static std::string take_extra(onnx::ValueInfoProto& info) {
        info.clear_name();
        info.clear_type();
        return info.ByteSizeLong() > 0 ? serialize(info) : std::string();
    }

    // Before IR version 4 every initializer was listed among the inputs too, and meant as a constant.
    bool are_listed_initializers_constants(const Graph& graph) const { return source_.ir_version < 4 && !graph.outer(); }

    void add_inputs(Graph& graph, onnx::GraphProto& proto) {
        std::unordered_set<std::string> constants;
        if (are_listed_initializers_constants(graph)) {
            for (const auto& initializer : proto.initializer()) constants.insert(initializer.name());
            for (const auto& sparse : proto.sparse_initializer()) constants.insert(sparse.values().name());
        }
        for (auto& info : *proto.mutable_input()) {
            if (constants.contains(info.name())) continue;
            if (!is_free(graph, format("graph input '{}'", info.name()), info.name())) continue;
            Value* value = graph.add_input(info.name(), declared_type(info));
            names_.add(graph, info.name(), value);
            keep_name(graph, info.name(), value);
            graph.set_extra(value, take_extra(info));
        }
    }

    void add_initializers(Graph& graph, onnx::GraphProto& proto) {
        std::unordered_set<const Value*> done;
        for (auto& initializer : *proto.mutable_initializer()) {
            const std::string name = initializer.name();
            Tensor tensor;
            if (!collect(findings_, [&] { tensor = take_tensor(initializer, source_.tensors); })) {
                if (!name.empty() && !names_.find(graph, name)) names_.add(graph, name, add_stand_in(graph, name));
                continue;
            }
            initializer.clear_name();
            std::string extra = initializer.ByteSizeLong() > 0 ? serialize(initializer) : std::string();
            initializer.Clear();
            Value* value = names_.find(graph, name);
            if (value && value->is_graph_input() && done.insert(value).second) {
                graph.set_initializer(value, std::move(tensor), std::move(extra));
                continue;
            }
            if (!is_free(graph, format("initializer '{}'", name), name)) continue;
            value = graph.add_constant(name, tensor);
            names_.add(graph, name, value);
            if (!extra.empty()) graph.set_initializer(value, std::move(tensor), std::move(extra));
        }
    }

    void add_sparse_initializers(Graph& graph, onnx::GraphProto& proto) {
        for (auto& sparse : *proto.mutable_sparse_initializer()) {
            const std::string name = sparse.values().name();
            if (!is_free(graph, format("sparse initializer '{}'", name), name)) continue;
            const bool is_sound = collect(findings_, [&] {
                inline_external_data(sparse, source_.tensors);
                with_context([&] { return format("sparse initializer '{}'", name); }, [&] { check_sparse_tensor(sparse); });
            });
            if (!is_sound) {
                names_.add(graph, name, add_stand_in(graph, name));
                continue;
            }
            const int number = sparse.values().data_type();
            ValueType type = ValueType::tensor(is_known_dtype(number) ? static_cast<DType>(number) : DType::Undefined,
                                               Dims(sparse.dims().begin(), sparse.dims().end()));
            Value* value = graph.add_sparse_constant(name, serialize(sparse), std::move(type));
            names_.add(graph, name, value);
        }
    }

    Node* add_node(Graph& graph, onnx::NodeProto& proto) {
        NodeSpec spec{.op_type = proto.op_type(), .inputs = {}, .name = proto.name(), .domain = proto.domain(), .outputs = {}};
        if (spec.domain == "ai.onnx") spec.domain.clear();
        const std::string object =
            format("node '{}' ({})", spec.name.empty() && proto.output_size() > 0 ? proto.output(0) : spec.name, spec.op_type);
        const auto take_body = [&](std::unique_ptr<onnx::GraphProto> body) {
            auto made = Graph::make_body(graph);
            if (!spec.domain.empty()) of_other_domains_.insert(made.get());
            pending_.push_back({made.get(), std::move(body)});
            return made;
        };
        bool is_read = true;
        for (auto& attribute : *proto.mutable_attribute())
            is_read &= collect(findings_, [&] {
                with_context(object, [&] { spec.attributes.push_back(take_attribute(attribute, source_.tensors, take_body)); });
            });
        std::vector<std::string> outputs(proto.output().begin(), proto.output().end());
        // A second value of a name is added under a made-up one, so that the check can go on.
        for (const std::string& name : outputs) spec.outputs.push_back(!name.empty() && names_.find(graph, name) ? std::string() : name);
        std::vector<std::string> hints = spec.outputs;
        Node* node = graph.add_node(std::move(spec));
        if (!is_read) unread_.insert(node);
        for (int index = 0; index < node->output_count(); ++index) {
            const auto at = static_cast<std::size_t>(index);
            if (outputs[at].empty()) {
                graph.erase_node_output(node, index);
            } else if (hints[at].empty() || names_.find(graph, outputs[at]) != node->output(index)) {
                add_output_name(graph, object, outputs[at], node->output(index));
            }
        }
        return node;
    }

    /// For an output whose value does not simply have the file's name.
    void add_output_name(const Graph& graph, const std::string& object, const std::string& name, Value* value) {
        if (names_.find(graph, name)) {
            add_finding(object, format("computes '{}', which another node, input or initializer defines", name),
                        "every name to be assigned once");
            names_.add_nameless(value);
        } else {
            names_.add(graph, name, value);
        }
    }

    std::vector<Node*> add_nodes(Graph& graph, onnx::GraphProto& proto) {
        std::vector<Node*> nodes;
        nodes.reserve(static_cast<std::size_t>(proto.node_size()));
        for (auto& node : *proto.mutable_node()) nodes.push_back(add_node(graph, node));
        return nodes;
    }

    // After all nodes exist: they may be listed in any order.
    void connect_inputs(Graph& graph, onnx::GraphProto& proto, const std::vector<Node*>& nodes) {
        for (int index = 0; index < proto.node_size(); ++index) {
            auto& node_proto = *proto.mutable_node(index);
            Node* node = nodes[static_cast<std::size_t>(index)];
            for (const std::string& name : node_proto.input()) {
                Value* value = name.empty() ? nullptr : names_.resolve(graph, name);
                if (!value && !name.empty()) {
                    add_finding(node->label(), format("reads '{}', which nothing defines", name),
                                "the name of an input, an initializer or a node's output");
                    Value*& stand_in = undefined_[&graph][name];
                    if (!stand_in) names_.add_nameless(stand_in = add_stand_in(graph, name));
                    value = stand_in;
                }
                graph.append_input(node, value);
            }
            node_proto.clear_input();
            node_proto.clear_output();
            node_proto.clear_name();
            node_proto.clear_op_type();
            node_proto.clear_domain();
            node_proto.clear_attribute();
            if (node_proto.ByteSizeLong() > 0) graph.set_extra(node, serialize(node_proto));
        }
    }

    void add_outputs(Graph& graph, onnx::GraphProto& proto) {
        for (auto& info : *proto.mutable_output()) {
            const std::string name = info.name();
            Value* value = name.empty() ? nullptr : names_.resolve(graph, name);
            if (!value) {
                add_finding(format("graph output '{}'", name), "is not defined by any node, input or initializer",
                            "the name of a value of the graph");
                graph.add_output(add_stand_in(graph, name.empty() ? "output" : name));
                continue;
            }
            graph.add_output(value);
            if (&value->graph() != &graph) continue;
            keep_name(graph, name, value);
            if (value->type().kind == ValueType::Kind::Unknown) graph.set_type(value, declared_type(info));
            if (value->extra().empty()) graph.set_extra(value, take_extra(info));
        }
    }

    // What describes no value at all stays in the message, and so among the fields carried along. Of a value outside a body the graph there says what it is,
    // and goes on doing so when its type changes.
    void take_value_info(Graph& graph, onnx::GraphProto& proto) {
        google::protobuf::RepeatedPtrField<onnx::ValueInfoProto> rest;
        for (auto& info : *proto.mutable_value_info()) {
            Value* value = names_.find(graph, info.name());
            if (!value) {
                if (!names_.resolve(graph, info.name())) *rest.Add() = std::move(info);
                continue;
            }
            if (value->type().kind == ValueType::Kind::Unknown) graph.set_type(value, declared_type(info));
            if (value->is_graph_input() || value->is_graph_output()) continue;
            graph.set_extra(value, take_extra(info));
            graph.set_declared(value, value->type().kind != ValueType::Kind::Unknown || !value->extra().empty());
        }
        proto.mutable_value_info()->Swap(&rest);
    }

    const GraphSource& source_;
    std::vector<Finding>& findings_;
    std::vector<Pending> pending_;
    Names names_;
    std::unordered_map<const Graph*, std::unordered_map<std::string, Value*>> undefined_;
    std::unordered_set<const Node*> unread_;
    std::unordered_set<const Graph*> of_other_domains_;
};

}  // namespace

std::unordered_set<const Node*> build_graph(std::unique_ptr<onnx::GraphProto> proto, Graph& graph, const GraphSource& source,
                                            std::vector<Finding>& findings) {
    return GraphBuilder(source, findings).run(std::move(proto), graph);
}

}  // namespace mcompress
