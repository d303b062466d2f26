#include "ops/control_flow.h"

namespace mcompress {

namespace {

Graph* required_graph(const Node& node, std::string_view name) {
    Graph* graph = graph_attribute(node, name);
    if (!graph) reject_attribute(node, name, "is missing");
    return graph;
}

}  // namespace

IfAttrs IfAttrs::read(const Node& node) { return {required_graph(node, "then_branch"), required_graph(node, "else_branch")}; }

LoopAttrs LoopAttrs::read(const Node& node) { return {required_graph(node, "body")}; }

ScanAttrs ScanAttrs::read(const Node& node) {
    ScanAttrs attrs;
    attrs.body = required_graph(node, "body");
    attrs.num_scan_inputs = required_int_attribute(node, "num_scan_inputs");
    if (node.opset_version() < 9) attrs.form = ScanAttrs::Form::Batched;
    if (attrs.num_scan_inputs < 1 || attrs.num_scan_inputs > node.input_count() - attrs.first_state())
        reject_attribute(node, "num_scan_inputs", format("is {} for {} inputs", attrs.num_scan_inputs, node.input_count()));
    if (attrs.form == ScanAttrs::Form::Batched) {
        attrs.input_directions = ints_attribute(node, "directions");
        return attrs;
    }
    attrs.input_axes = ints_attribute(node, "scan_input_axes");
    attrs.output_axes = ints_attribute(node, "scan_output_axes");
    attrs.input_directions = ints_attribute(node, "scan_input_directions");
    attrs.output_directions = ints_attribute(node, "scan_output_directions");
    return attrs;
}

}  // namespace mcompress
