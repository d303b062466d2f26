#include "ir/fingerprint.h"

#include "support/hash.h"
#include "tensor/content.h"

namespace mcompress {

namespace {

class Fingerprinter {
public:
    explicit Fingerprinter(Hasher& hasher) : hasher_(hasher) {}

    void add_graph(const Graph& graph) {
        hasher_.add_string(graph.name());
        hasher_.add_string(graph.extra());
        hasher_.add_integer(static_cast<std::int64_t>(graph.inputs().size()));
        for (const Value* value : graph.inputs()) {
            add_value(*value);
            if (value->default_value()) add_tensor(*value->default_value());
        }
        const auto constants = graph.constants();
        hasher_.add_integer(static_cast<std::int64_t>(constants.size()));
        for (const Value* value : constants) {
            add_value(*value);
            hasher_.add_string(value->initializer_extra());
            hasher_.add_string(value->sparse_initializer());
            if (value->constant()) add_tensor(*value->constant());
        }
        const auto nodes = graph.order();
        hasher_.add_integer(static_cast<std::int64_t>(nodes.size()));
        for (const Node* node : nodes) add_node(*node);
        hasher_.add_integer(static_cast<std::int64_t>(graph.outputs().size()));
        for (const Value* value : graph.outputs()) add_value(*value);
    }

private:
    void add_value(const Value& value) {
        hasher_.add_string(value.name());
        hasher_.add_string(value.extra());
        hasher_.add_integer(value.is_declared() ? 1 : 0);
        add_type(value.type());
    }

    void add_type(const ValueType& type) {
        hasher_.add_string(type.to_string());
        for (const ValueType* at = &type; at; at = at->element.get()) hasher_.add_string(at->extra);
    }

    void add_tensor(const Tensor& tensor) {
        hasher_.add_integer(static_cast<std::int64_t>(tensor.dtype()));
        hasher_.add_string(tensor.shape().to_string());
        add_elements(hasher_, tensor);
    }

    void add_node(const Node& node) {
        hasher_.add_string(node.domain());
        hasher_.add_string(node.op_type());
        hasher_.add_string(node.name());
        hasher_.add_string(node.extra());
        hasher_.add_integer(node.input_count());
        for (const Value* value : node.inputs()) hasher_.add_string(value ? value->name() : "");
        hasher_.add_integer(node.output_count());
        for (const Value* value : node.outputs()) {
            hasher_.add_integer(value ? 1 : 0);
            if (value) add_value(*value);
        }
        hasher_.add_integer(static_cast<std::int64_t>(node.attributes().size()));
        for (const Attribute& attribute : node.attributes()) {
            hasher_.add_string(attribute.name);
            hasher_.add_string(attribute.extra);
            hasher_.add_integer(static_cast<std::int64_t>(attribute.value.index()));
            std::visit([this](const auto& value) { add(value); }, attribute.value);
        }
    }

    void add(std::int64_t value) { hasher_.add_integer(value); }
    void add(float value) { hasher_.add_bytes(&value, sizeof value); }
    void add(const std::string& value) { hasher_.add_string(value); }
    void add(const Tensor& value) { add_tensor(value); }
    void add(const std::shared_ptr<Graph>& value) { add_graph(*value); }
    void add(const OpaqueAttribute& value) { hasher_.add_string(value.bytes); }
    template <typename T> void add(const std::vector<T>& values) {
        hasher_.add_integer(static_cast<std::int64_t>(values.size()));
        for (const T& value : values) add(value);
    }

    Hasher& hasher_;
};

}  // namespace

std::string fingerprint(const Graph& graph) {
    Hasher hasher;
    for (const auto& [domain, version] : *graph.opset_imports()) {
        hasher.add_string(domain);
        hasher.add_integer(version);
    }
    Fingerprinter(hasher).add_graph(graph);
    return hasher.hex_digest();
}

std::string fingerprint(const Model& model) {
    Hasher hasher;
    hasher.add_integer(model.ir_version);
    hasher.add_integer(model.model_version);
    for (const std::string* text : {&model.producer_name, &model.producer_version, &model.domain, &model.doc_string, &model.extra})
        hasher.add_string(*text);
    for (const auto& [key, value] : model.metadata) {
        hasher.add_string(key);
        hasher.add_string(value);
    }
    hasher.add_integer(static_cast<std::int64_t>(model.functions.size()));
    for (const Function& function : model.functions) hasher.add_string(function.bytes);
    hasher.add_string(fingerprint(*model.graph));
    return hasher.hex_digest();
}

}  // namespace mcompress
