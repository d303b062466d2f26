// strip-names: what ONNX text cannot say, names of operators and what a graph carries along.
#include "passes/clean/strip_names.h"

#include "catch.h"
#include "onnx/text.h"
#include "ops/infer.h"

using namespace mcompress;

TEST_CASE("strip-names: operators lose their names, annotated values keep theirs") {
    const auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13]>
        g (float[2] input) => (float[2] output) {
            first_layer = Neg (input)
            second_layer = Abs (first_layer)
            output = Relu (second_layer)
        })");
    Graph& graph = *model->graph;
    for (Node* node : graph.nodes()) graph.set_name(node, "model/" + node->display_name());
    graph.set_extra("an annotation of first_layer");
    const auto pass = make_strip_names();
    CHECK(pass->run(graph).rewrites == 4);
    for (const Node* node : graph.nodes()) CHECK(node->name().empty());
    CHECK(graph.find_value("first_layer"));
    CHECK_FALSE(graph.find_value("second_layer"));
    CHECK(graph.find_value("a")->producer()->is("Abs"));
    CHECK(pass->run(graph).rewrites == 0);
}

TEST_CASE("strip-names: behind z come two letters") {
    const auto model = parse_model(
        R"(<ir_version: 8, opset_import: ["" : 13]> g (float[2] input) => (float[2] output) { v0 = Neg (input) output = Relu (v0) })");
    Graph& graph = *model->graph;
    Value* value = graph.find_value("v0");
    for (int at = 1; at < 30; ++at) {
        Node* next = graph.add_node({.op_type = "Neg", .inputs = {value}, .outputs = {"result_" + std::to_string(at)}});
        value = next->output(0);
    }
    graph.set_input(graph.outputs()[0]->producer(), 0, value);
    (void)make_strip_names()->run(graph);
    CHECK(graph.find_value("z")->producer()->is("Neg"));
    CHECK(value->name() == "ad");
    CHECK_FALSE(graph.find_value("v0"));
}
