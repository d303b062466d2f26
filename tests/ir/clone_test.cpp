#include "ir/clone.h"

#include "catch.h"
#include "ir/fingerprint.h"
#include "ir/verify.h"
#include "onnx/text.h"

using namespace mcompress;

namespace {

constexpr const char* kWithBodies = R"(<ir_version: 8, opset_import: ["" : 16]>
    g (bool c, float[2] x) => (float[2] y) {
        w = Constant <value = float[2] {1, 2}> ()
        k = Mul (x, w)
        y = If (c) <
            then_branch = a () => (float[2] p) { p = Add (k, w) },
            else_branch = b () => (float[2] q) {
                h = Dropout (k)
                q = If (c) <then_branch = d () => (float[2] r) { r = Neg (h) }, else_branch = e () => (float[2] s) { s = Relu (k) }>
            }>
    })";

}  // namespace

TEST_CASE("clone: a graph with bodies has the same fingerprint and obeys the graph's laws") {
    const auto model = parse_model(kWithBodies);
    const auto copy = clone(*model->graph);
    CHECK(fingerprint(*copy) == fingerprint(*model->graph));
    CHECK(verify(*copy).empty());
}

TEST_CASE("clone: changing the copy leaves the original as it was") {
    const auto model = parse_model(kWithBodies);
    const std::string before = fingerprint(*model->graph);
    const auto copy = clone(*model->graph);
    Node* multiply = copy->find_value("k")->producer();
    copy->set_op_type(multiply, "", "Add");
    (*copy->opset_imports())["mcompress"] = 1;
    CHECK(fingerprint(*model->graph) == before);
    CHECK(model->opset_imports->count("mcompress") == 0);
    CHECK(fingerprint(*copy) != before);
}

TEST_CASE("clone: bodies of the copy read values of the copy") {
    const auto model = parse_model(kWithBodies);
    const auto copy = clone(*model->graph);
    for_each_graph(*copy, [&](Graph& graph) {
        for (const Node* node : graph.nodes())
            for (const Value* input : node->inputs()) {
                const Graph* root = &input->graph();
                while (root->outer()) root = root->outer();
                CHECK(root == copy.get());
            }
    });
}

TEST_CASE("clone: weights are shared, not copied") {
    Graph graph(std::make_shared<OpsetImports>(OpsetImports{{"", 13}}));
    Value* weight = graph.add_constant("w", Tensor::from_values(Shape{2}, std::vector<float>{1, 2}));
    Node* node = graph.add_node({.op_type = "Relu", .inputs = {weight}, .outputs = {"y"}});
    graph.add_output(node->output(0));
    const auto copy = clone(graph);
    CHECK(copy->find_value("w")->constant()->stored_bytes() == weight->constant()->stored_bytes());
}
