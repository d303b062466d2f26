#include "ops/control_flow.h"

#include <algorithm>

namespace mcompress {

namespace {

Graph* required_graph(const Node& node, std::string_view name) {
    Graph* graph = graph_attribute(node, name);
    if (!graph) reject_attribute(node, name, "is missing");
    return graph;
}

}  // namespace

Graph* required_body(const Node& node, std::string_view name, std::int64_t given) {
    Graph* body = required_graph(node, name);
    const auto& inputs = body->inputs();
    const auto all = static_cast<std::int64_t>(inputs.size());
    const std::int64_t needed =
        std::count_if(inputs.begin(), inputs.end(), [](const Value* value) { return value->default_value() == nullptr; });
    if (given != all && given != needed) reject_attribute(node, name, format("has {} inputs, but the node gives it {}", all, given));
    return body;
}

IfAttrs IfAttrs::read(const Node& node) { return {required_body(node, "then_branch", 0), required_body(node, "else_branch", 0)}; }

LoopAttrs LoopAttrs::read(const Node& node) { return {required_body(node, "body", std::max(2, node.input_count()))}; }

ScanAttrs ScanAttrs::read(const Node& node) {
    ScanAttrs attrs;
    attrs.num_scan_inputs = required_int_attribute(node, "num_scan_inputs");
    if (node.opset_version() < 9) attrs.form = ScanAttrs::Form::Batched;
    if (attrs.num_scan_inputs < 1 || attrs.num_scan_inputs > node.input_count() - attrs.first_state())
        reject_attribute(node, "num_scan_inputs", format("is {} for {} inputs", attrs.num_scan_inputs, node.input_count()));
    if (attrs.form == ScanAttrs::Form::Batched) {
        attrs.input_directions = ints_attribute(node, "directions");
    } else {
        attrs.input_axes = ints_attribute(node, "scan_input_axes");
        attrs.output_axes = ints_attribute(node, "scan_output_axes");
        attrs.input_directions = ints_attribute(node, "scan_input_directions");
        attrs.output_directions = ints_attribute(node, "scan_output_directions");
    }
    attrs.body = required_body(node, "body", node.input_count() - attrs.first_state());
    return attrs;
}

}  // namespace mcompress
