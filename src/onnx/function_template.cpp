#include "onnx/function_template.h"

#include <climits>
#include <unordered_map>

#include "ir/verify.h"
#include "onnx/build_graph.h"
#include "onnx/convert_attribute.h"
#include "onnx/inline_functions.h"
#include "onnx/wire.h"
#include "support/error.h"

namespace mcompress {

namespace {

/// Calls visit(payload) for every field of that number and of type Bytes.
template <typename Visit> void for_each_field(const std::string& message, std::uint32_t number, Visit&& visit) {
    const auto bytes = std::as_bytes(std::span(message));
    for (std::size_t at = 0; at < bytes.size();) {
        const auto field = read_field(bytes, at, bytes.size());
        if (!field) return;
        if (field->number == number && field->type == WireType::Bytes) visit(message.substr(field->payload, field->end - field->payload));
        at = field->end;
    }
}

std::string normalized(const std::string& domain) { return domain == "ai.onnx" ? std::string() : domain; }

std::shared_ptr<Graph> refuse_body(const std::unique_ptr<onnx::GraphProto>&) {
    fail(codes::kModelInvalid, "a graph cannot be the default of an attribute");
}

/// FunctionProto.attribute_proto, which protobuf definitions before ONNX 1.13 do not have.
std::map<std::string, Attribute> defaults_of(const Function& function) {
    constexpr std::uint32_t kAttributeProtoField = 11;
    std::map<std::string, Attribute> defaults;
    for_each_field(function.bytes, kAttributeProtoField, [&](const std::string& bytes) {
        onnx::AttributeProto proto;  // nobody has read these bytes before
        if (!proto.ParsePartialFromString(bytes)) fail(codes::kModelInvalid, "the default of an attribute cannot be read");
        Attribute attribute = take_attribute(proto, {}, refuse_body);
        defaults.insert_or_assign(attribute.name, std::move(attribute));
    });
    return defaults;
}

std::unique_ptr<onnx::GraphProto> graph_of(onnx::FunctionProto& function) {
    auto graph = std::make_unique<onnx::GraphProto>();
    graph->set_name(function.name());
    for (const std::string& name : function.input()) graph->add_input()->set_name(name);
    for (const std::string& name : function.output()) graph->add_output()->set_name(name);
    graph->mutable_node()->Swap(function.mutable_node());
    return graph;
}

/// Copies a template's nodes to where it is called.
class Instance {
public:
    Instance(const FunctionTemplate& function, Node& call, std::int64_t most_nodes)
        : function_(function), call_(call), most_nodes_(most_nodes), prefix_(call.display_name() + ".") {
        const auto inputs = function.model->graph->inputs();
        for (std::size_t i = 0; i < inputs.size(); ++i) values_[inputs[i]] = call.input(static_cast<int>(i));
    }

    FunctionInstance run() {
        const Graph& from = *function_.model->graph;
        copy_constants(from, call_.graph());  // of an upgrade: a function in a file has none
        for (const Node* node : from.order()) made_.nodes.push_back(copy_node(*node, call_.graph(), &call_));
        for (const Value* output : from.outputs()) made_.outputs.push_back(find(output));
        return std::move(made_);
    }

private:
    /// What stands for a value of the template; bodies that the call brings along read values of the caller, which stand for themselves.
    Value* find(const Value* value) const {
        const auto found = values_.find(value);
        return found == values_.end() ? const_cast<Value*>(value) : found->second;
    }

    void copy_constants(const Graph& from, Graph& to) {
        for (const Value* constant : from.constants()) {
            const std::string name = to.unique_name(prefix_ + constant->name());
            values_[constant] = constant->constant() ? to.add_constant(name, *constant->constant())
                                                     : to.add_sparse_constant(name, constant->sparse_initializer(), constant->type());
        }
    }

    // NOLINTNEXTLINE(misc-no-recursion): as deep as the file's bodies, which protobuf bounds
    Node* copy_node(const Node& node, Graph& to, const Node* before) {
        if (++made_.node_count > most_nodes_) fail(codes::kTooLarge, "the model's functions expand to too many nodes");
        NodeSpec spec{.op_type = node.op_type(), .inputs = {}, .domain = node.domain(), .outputs = {}};
        if (!node.name().empty()) spec.name = prefix_ + node.name();
        spec.extra = node.extra();
        for (const Value* input : node.inputs()) spec.inputs.push_back(input ? find(input) : nullptr);
        for (const Value* output : node.outputs()) spec.outputs.push_back(output ? prefix_ + output->name() : std::string());
        for (const Attribute& attribute : node.attributes())
            if (auto copied = copy_attribute(attribute, to)) spec.attributes.push_back(std::move(*copied));
        Node* made = to.add_node(std::move(spec), before);
        for (int index = 0; index < node.output_count(); ++index) {
            if (!node.output(index)) {
                to.erase_node_output(made, index);
                continue;
            }
            values_[node.output(index)] = made->output(index);
            to.set_type(made->output(index), node.output(index)->type());
        }
        return made;
    }

    /// Nothing where it refers to an attribute that the call does not have and that has no default.
    // NOLINTNEXTLINE(misc-no-recursion): see above
    std::optional<Attribute> copy_attribute(const Attribute& attribute, Graph& to) {
        const std::string wanted = referenced_attribute(attribute);
        if (wanted.empty()) return with_copied_bodies(attribute, to);
        const Attribute* given = call_.attribute(wanted);
        const auto fallback = function_.defaults.find(wanted);
        if (!given && fallback == function_.defaults.end()) return std::nullopt;
        Attribute copied = with_copied_bodies(given ? *given : fallback->second, to);
        copied.name = attribute.name;
        return copied;
    }

    // NOLINTNEXTLINE(misc-no-recursion): see above
    Attribute with_copied_bodies(const Attribute& attribute, Graph& to) {
        Attribute copied = attribute;
        if (auto* body = std::get_if<std::shared_ptr<Graph>>(&copied.value)) *body = copy_body(**body, to);
        if (auto* bodies = std::get_if<std::vector<std::shared_ptr<Graph>>>(&copied.value))
            for (auto& body : *bodies) body = copy_body(*body, to);
        return copied;
    }

    // NOLINTNEXTLINE(misc-no-recursion): see above
    std::shared_ptr<Graph> copy_body(const Graph& body, Graph& outer) {
        auto made = Graph::make_body(outer);
        made->set_name(body.name());
        made->set_extra(body.extra());
        for (const Value* input : body.inputs()) {
            Value* copied = values_[input] = made->add_input(made->unique_name(prefix_ + input->name()), input->type());
            made->set_extra(copied, input->extra());
            if (input->default_value()) made->set_initializer(copied, *input->default_value(), input->initializer_extra());
        }
        copy_constants(body, *made);
        for (const Node* node : body.order()) copy_node(*node, *made, nullptr);
        for (const Value* output : body.outputs()) {
            Value* found = find(output);
            if (!found)
                fail(codes::kModelInvalid, "a body of '{}' gives '{}', which the call leaves out", function_.label(), output->name());
            made->add_output(found);
        }
        return made;
    }

    const FunctionTemplate& function_;
    Node& call_;
    std::int64_t most_nodes_;
    std::string prefix_;
    FunctionInstance made_;
    std::unordered_map<const Value*, Value*> values_;
};

FunctionTemplate read_template(const Function& function, std::vector<Finding>& findings) {
    FunctionTemplate result{normalized(function.domain), function.name, function.overload, std::make_unique<Model>(), {}};
    const std::string place = format("function '{}'", result.label());
    std::vector<Finding> found;
    with_context(place, [&] {
        onnx::FunctionProto proto;
        deserialize(proto, function.bytes);
        result.defaults = defaults_of(function);
        for (const auto& import : proto.opset_import()) {
            if (import.version() < 1 || import.version() > INT_MAX)
                fail(codes::kModelInvalid, "imports version {} of domain '{}'", import.version(), import.domain());
            (*result.model->opset_imports)[normalized(import.domain())] = static_cast<int>(import.version());
        }
        constexpr std::int64_t kIrVersionOfFunctions = 8;
        build_graph(graph_of(proto), *result.model->graph, {{}, kIrVersionOfFunctions}, found);
        for (Finding& finding : verify(*result.model)) found.push_back(std::move(finding));
    });
    for (Finding& finding : found) {
        finding.object = place + ": " + finding.object;
        findings.push_back(std::move(finding));
    }
    return result;
}

}  // namespace

FunctionTemplate make_template(const Function& function) {
    std::vector<Finding> findings;
    FunctionTemplate result = read_template(function, findings);
    throw_if_any(findings);
    return result;
}

std::vector<Finding> verify_function(const Function& function) {
    std::vector<Finding> findings;
    collect(findings, [&] { read_template(function, findings); });
    return findings;
}

std::string referenced_attribute(const Attribute& attribute) {
    const auto* opaque = std::get_if<OpaqueAttribute>(&attribute.value);
    if (!opaque) return {};
    onnx::AttributeProto proto;
    deserialize(proto, opaque->bytes);
    return proto.ref_attr_name();
}

std::string called_overload(const Node& node) {
    constexpr std::uint32_t kOverloadField = 8;
    std::string overload;
    for_each_field(node.extra(), kOverloadField, [&](std::string payload) { overload = std::move(payload); });
    return overload;
}

FunctionInstance instantiate(const FunctionTemplate& function, Node& call, std::int64_t most_nodes) {
    return Instance(function, call, most_nodes).run();
}

}  // namespace mcompress
