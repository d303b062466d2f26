#include "ir/clone.h"

#include <unordered_map>

#include "support/check.h"

namespace mcompress {
namespace {

class Cloner {
public:
    void copy(const Graph& from, Graph& to) {
        to.set_name(from.name());
        to.set_extra(from.extra());
        for (Value* input : from.inputs()) {
            Value* copied = to.add_input(input->name(), input->type());
            if (input->default_value()) to.set_initializer(copied, *input->default_value(), input->initializer_extra());
            finish(input, copied, to);
        }
        for (Value* constant : from.constants()) copy_constant(*constant, to);
        for (const Node* node : from.order()) copy_node(*node, to);
        for (Value* output : from.outputs()) to.add_output(of(output));
    }

private:
    Value* of(const Value* value) const {
        if (!value) return nullptr;
        const auto found = copies_.find(value);
        MCOMPRESS_CHECK(found != copies_.end());
        return found->second;
    }

    void finish(const Value* value, Value* copied, Graph& to) {
        MCOMPRESS_CHECK(copied->name() == value->name());
        to.set_type(copied, value->type());
        to.set_declared(copied, value->is_declared());
        to.set_extra(copied, value->extra());
        if (value->written_name() != value->name()) to.set_written_name(copied, value->written_name());
        copies_.emplace(value, copied);
    }

    void copy_constant(const Value& constant, Graph& to) {
        Value* copied;
        if (constant.constant()) {
            copied = to.add_constant(constant.name(), *constant.constant());
            to.set_initializer(copied, *constant.constant(), constant.initializer_extra());
        } else {
            copied = to.add_sparse_constant(constant.name(), constant.sparse_initializer(), constant.type());
        }
        finish(&constant, copied, to);
    }

    std::shared_ptr<Graph> copy_body(const Graph& body, Graph& outer) {
        std::shared_ptr<Graph> copied = Graph::make_body(outer);
        copy(body, *copied);
        return copied;
    }

    AttributeValue copy_attribute(const AttributeValue& value, Graph& to) {
        if (const auto* body = std::get_if<std::shared_ptr<Graph>>(&value)) return copy_body(**body, to);
        const auto* bodies = std::get_if<std::vector<std::shared_ptr<Graph>>>(&value);
        if (!bodies) return value;
        std::vector<std::shared_ptr<Graph>> copies;
        for (const auto& body : *bodies) copies.push_back(copy_body(*body, to));
        return copies;
    }

    void copy_node(const Node& node, Graph& to) {
        NodeSpec spec{.op_type = node.op_type(), .inputs = {}, .name = node.name(), .domain = node.domain(), .extra = node.extra()};
        for (const Value* input : node.inputs()) spec.inputs.push_back(of(input));
        for (const Attribute& attribute : node.attributes())
            spec.attributes.push_back({attribute.name, copy_attribute(attribute.value, to), attribute.extra});
        spec.outputs.clear();
        for (const Value* output : node.outputs()) spec.outputs.push_back(output ? output->name() : "");
        Node* copied = to.add_node(std::move(spec));
        for (int index = 0; index < node.output_count(); ++index) {
            if (node.output(index)) finish(node.output(index), copied->output(index), to);
            else to.erase_node_output(copied, index);
        }
    }

    std::unordered_map<const Value*, Value*> copies_;
};

}  // namespace

std::unique_ptr<Graph> clone(const Graph& graph) {
    MCOMPRESS_CHECK(!graph.outer());
    auto copied = std::make_unique<Graph>(std::make_shared<OpsetImports>(*graph.opset_imports()));
    Cloner().copy(graph, *copied);
    return copied;
}

}  // namespace mcompress
