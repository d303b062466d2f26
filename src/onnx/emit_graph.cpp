#include "onnx/emit_graph.h"

#include <algorithm>
#include <unordered_set>

#include "ir/topology.h"
#include "onnx/convert_attribute.h"
#include "onnx/convert_type.h"
#include "support/check.h"

namespace mcompress {

namespace {

void put_value_info(const Value& value, onnx::ValueInfoProto& info) {
    deserialize(info, value.extra());
    info.set_name(value.written_name());
    if (value.type().kind != ValueType::Kind::Unknown || !value.type().extra.empty()) put_type(value.type(), *info.mutable_type());
}

void put_body(const Graph& graph, onnx::GraphProto& proto) {
    put_nodes(graph, proto);
    for (const Value* value : initializers_of(graph)) {
        auto& initializer = *proto.add_initializer();
        deserialize(initializer, value->initializer_extra());
        put_tensor(initializer_tensor(*value), initializer);
        initializer.set_name(value->written_name());
    }
    constexpr std::int64_t kBodiesListNoConstants = 4;
    put_surroundings(graph, kBodiesListNoConstants, proto);
}

/// A written name hides a value outside the body, which nothing inside may then read.
void check_hidden(const Node& node) {
    std::unordered_set<std::string> hidden;
    for (const Graph* body : node.subgraphs())
        for (const auto list : {body->inputs(), body->outputs()})
            for (const Value* value : list)
                if (value->written_name() != value->name()) hidden.insert(value->written_name());
    if (hidden.empty()) return;
    for (const Value* value : captured_values(node)) MCOMPRESS_CHECK(!hidden.contains(value->name()));
}

void put_node(const Node& node, onnx::NodeProto& proto) {
    check_hidden(node);
    deserialize(proto, node.extra());
    for (const Value* value : node.inputs()) proto.add_input(value ? value->written_name() : "");
    for (const Value* value : node.outputs()) proto.add_output(value ? value->written_name() : "");
    if (!node.name().empty()) proto.set_name(node.name());
    proto.set_op_type(node.op_type());
    if (!node.domain().empty()) proto.set_domain(node.domain());
    for (const Attribute& attribute : node.attributes()) put_attribute(attribute, *proto.add_attribute(), put_body);
}

/// Carried descriptions and annotations are dropped where the tensors they speak of are gone, or are described by the graph itself.
void put_extra(const Graph& graph, onnx::GraphProto& proto) {
    if (graph.extra().empty()) return;
    onnx::GraphProto extra;
    deserialize(extra, graph.extra());
    auto& infos = *extra.mutable_value_info();
    infos.erase(std::remove_if(infos.begin(), infos.end(), [&](const auto& info) { return graph.find_value(info.name()) != nullptr; }),
                infos.end());
    const auto is_stale = [&](const onnx::TensorAnnotation& annotation) {
        if (!graph.find_value(annotation.tensor_name())) return true;
        return std::any_of(annotation.quant_parameter_tensor_names().begin(), annotation.quant_parameter_tensor_names().end(),
                           [&](const auto& entry) { return !graph.find_value(entry.value()); });
    };
    auto& annotations = *extra.mutable_quantization_annotation();
    annotations.erase(std::remove_if(annotations.begin(), annotations.end(), is_stale), annotations.end());
    proto.MergeFrom(extra);
}

}  // namespace

std::vector<const Value*> initializers_of(const Graph& graph) {
    std::vector<const Value*> values;
    for (const Value* value : graph.inputs())
        if (value->default_value()) values.push_back(value);
    for (const Value* value : graph.constants())
        if (value->constant()) values.push_back(value);
    return values;
}

void put_nodes(const Graph& graph, onnx::GraphProto& proto) {
    proto.set_name(graph.name());
    for (const Node* node : graph.order()) put_node(*node, *proto.add_node());
}

void put_surroundings(const Graph& graph, std::int64_t ir_version, onnx::GraphProto& proto) {
    const auto constants = graph.constants();
    for (const Value* value : constants) {
        if (value->sparse_initializer().empty()) continue;
        auto& sparse = *proto.add_sparse_initializer();
        deserialize(sparse, value->sparse_initializer());
        sparse.mutable_values()->set_name(value->name());
    }
    for (const Value* value : graph.inputs()) put_value_info(*value, *proto.add_input());
    if (ir_version < 4)
        for (const Value* value : constants) put_value_info(*value, *proto.add_input());
    for (const Value* value : graph.outputs()) put_value_info(*value, *proto.add_output());
    put_extra(graph, proto);
    const auto put_if_declared = [&](const Value* value) {
        if (value && value->is_declared() && !value->is_graph_output()) put_value_info(*value, *proto.add_value_info());
    };
    if (ir_version >= 4)
        for (const Value* value : constants) put_if_declared(value);
    for (const Node* node : graph.order())
        for (const Value* value : node->outputs()) put_if_declared(value);
}

}  // namespace mcompress
