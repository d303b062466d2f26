// Inference over small graphs: symbols, shape arithmetic, bodies, contradictions.
#include "catch.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "ops/verify_ops.h"
#include "support/error.h"

using namespace mcompress;

namespace {

std::unique_ptr<Model> parse(const std::string& graph, int opset = 13) {
    return parse_model("<ir_version: 8, opset_import: [\"\" : " + std::to_string(opset) + "]> " + graph);
}

std::string inferred(const std::string& graph, int opset = 13) {
    const auto model = parse(graph, opset);
    infer_types(*model->graph);
    return model->graph->outputs()[0]->type().to_string();
}

}  // namespace

TEST_CASE("infer: symbols pass through elementwise operators and broadcasts") {
    CHECK(inferred("g (float[N, C, 1] x, float[1, C, 4] z) => (float[] y) { y = Add(x, z) }") == "float[N,C,4]");
    CHECK(inferred("g (float[N, 3] x, float[M, 3] z) => (float[] y) { y = Add(x, z) }") == "float[?,3]");
    CHECK_THROWS_AS(inferred("g (float[2, 3] x, float[4] z) => (float[] y) { y = Add(x, z) }"), Error);
    CHECK_THROWS_AS(inferred("g (float[2] x, int64[2] z) => (float[] y) { y = Add(x, z) }"), Error);
}

TEST_CASE("infer: legacy broadcasting places the second input at an axis") {
    CHECK(inferred("g (float[2, 3, 4] x, float[3] z) => (float[] y) { y = Add<broadcast = 1, axis = 1>(x, z) }", 6) == "float[2,3,4]");
    CHECK_THROWS_AS(inferred("g (float[2, 3, 4] x, float[2] z) => (float[] y) { y = Add<broadcast = 1, axis = 1>(x, z) }", 6), Error);
}

TEST_CASE("infer: what exporters compute from shapes reaches Reshape") {
    CHECK(inferred(R"(g (float[N, 3, 8, 8] x) => (float[] y) {
        s = Shape(x) zero = Constant<value = int64 {0}>() n = Gather(s, zero) axes = Constant<value = int64[1] {0}>()
        n1 = Unsqueeze(n, axes) rest = Constant<value = int64[1] {-1}>() target = Concat<axis = 0>(n1, rest) y = Reshape(x, target) })") ==
          "float[N,192]");
    CHECK(inferred(R"(g (float[2, 12, H, W] x) => (float[] y) {
        s = Shape(x) a = Constant<value = int64[1] {2}>() b = Constant<value = int64[1] {4}>() hw = Slice(s, a, b)
        two = Constant<value = int64[3] {2, 3, 4}>() target = Concat<axis = 0>(two, hw) y = Reshape(x, target) })") == "float[2,3,4,H,W]");
    CHECK(inferred(R"(g (float[2, 6] x) => (float[] y) {
        s = Shape(x) two = Constant<value = int64 {2}>() d = Mul(s, two) f = Div(d, two) i = Cast<to = 6>(f) o = Cast<to = 7>(i)
        z = ConstantOfShape<value = float[1] {1.0}>(o) y = Expand(z, s) })") == "float[2,6]");
}

TEST_CASE("infer: a -1 takes what is left when symbols cancel out") {
    CHECK(inferred("g (float[N, T, 6] x) => (float[] y) { t = Constant<value = int64[3] {0, -1, 3}>() y = Reshape(x, t) }") ==
          "float[N,?,3]");
    CHECK(inferred("g (float[N, 2, 6] x) => (float[] y) { t = Constant<value = int64[3] {0, -1, 3}>() y = Reshape(x, t) }") ==
          "float[N,4,3]");
    CHECK(inferred("g (float[N, 2, 3] x) => (float[] y) { t = Constant<value = int64[2] {-1, 6}>() y = Reshape(x, t) }") == "float[N,6]");
    CHECK_THROWS_AS(inferred("g (float[2, 3] x) => (float[] y) { t = Constant<value = int64[2] {-1, 4}>() y = Reshape(x, t) }"), Error);
}

TEST_CASE("infer: PyTorch's way of writing pads is followed through two axes") {
    CHECK(inferred(R"(g (float[1, 5] x) => (float[] y) {
        p = Constant<value = int64[2] {3, 4}>() n = Constant<value = int64[1] {2}>() z = ConstantOfShape<value = int64[1] {0}>(n)
        all = Concat<axis = 0>(p, z) pairs = Constant<value = int64[2] {-1, 2}>() m = Reshape(all, pairs)
        last = Constant<value = int64[1] {-1}>() first = Constant<value = int64[1] {-9223372036854775807}>() axis = Constant<value = int64[1] {0}>()
        r = Slice(m, last, first, axis, last) t = Transpose<perm = [1, 0]>(r) flat = Reshape(t, last) c = Cast<to = 7>(flat)
        y = Pad(x, c) })") == "float[1,12]");
}

TEST_CASE("infer: the branches of an If are merged") {
    CHECK(inferred(R"(g (bool c, float[2, 3] x) => (float[] y) {
        y = If(c) <then_branch = t () => (float[] a) { a = Relu(x) },
                   else_branch = e () => (float[] b) { k = Constant<value = int64[1] {0}>() s = ReduceSum(x, k) b = Identity(s) }> })") ==
          "float[?,3]");
}

TEST_CASE("infer: bodies ask for as many values as they are given") {
    CHECK_THROWS_WITH(inferred(R"(g (bool c, float[2] x) => (float[2] y) {
        y = If(c) <then_branch = t (float[2] s) => (float[2] a) { a = Relu(s) }, else_branch = e () => (float[2] b) { b = Neg(x) }> })"),
                      contains_text("'then_branch' has 1 inputs, but the node gives it 0"));
    CHECK_THROWS_WITH(inferred(R"(g (int64 n, bool c, float[2] x) => (float[2] y) {
        y = Loop(n, c, x) <body = b (int64 i, bool go) => (bool g, float[2] s) { g = Identity(go) s = Relu(x) }> })"),
                      contains_text("'body' has 2 inputs, but the node gives it 3"));
    CHECK_THROWS_WITH(inferred(R"(g (float[2] x, float[3, 2] s) => (float[2] y) {
        y = Scan<num_scan_inputs = 1, body = b (float[2] a) => (float[2] r) { r = Relu(a) }>(x, s) })"),
                      contains_text("'body' has 1 inputs, but the node gives it 2"));
}

TEST_CASE("infer: a declared type that contradicts is an error, one that knows more is kept") {
    const auto strict = [](const std::string& text) { infer_types(*parse(text)->graph, DeclaredTypes::MustAgree); };
    CHECK_THROWS_WITH(strict("g (float[2, 3] x) => (float[2, 4] y) { y = Relu(x) }"), contains_text("'y'"));
    CHECK_THROWS_AS(inferred("g (float[2, 3] x) => (int64[2, 3] y) { y = Relu(x) }"), Error);
    CHECK(inferred("g (float[2, K] x) => (float[2, 4] y) { y = Relu(x) }") == "float[2,4]");
    CHECK(inferred("g (float[2] x) => (float[2, 4] y) { y = Mystery(x) }") == "float[2,4]");
    CHECK(inferred("g (float[Batch] x) => (float[N] y) { y = Relu(x) }") == "float[N]");
}

TEST_CASE("infer: a declared shape that is no longer true gives way, in the graph and for its readers, and is a warning") {
    CHECK(inferred("g (float[2, 3] x) => (float[2, 4] y) { y = Relu(x) }") == "float[2,3]");
    CHECK(inferred("g (float[2, 3] x) => (float[6] y) { y = Relu(x) }") == "float[2,3]");
    const auto model = parse("g (float[2, 3] x) => (float[] z) <float[5, 5] y> { y = Relu(x) z = Transpose(y) }");
    const std::vector<Finding> findings = verify_types(*model->graph, {});
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].severity == Severity::Warning);
    CHECK(findings[0].problem() == "gives 'y' as float[2,3], the model declares float[5,5], expected a declaration that is true");
    infer_types(*model->graph);
    CHECK(model->graph->outputs()[0]->type().to_string() == "float[3,2]");
    CHECK(verify_types(*model->graph, {}).empty());
}

TEST_CASE("infer: given input shapes override symbols, and must fit") {
    const auto model = parse("g (float[N, 3] x) => (float[N, 3] y) { y = Relu(x) }");
    const Graph& graph = *model->graph;
    CHECK(infer_types_for(graph, {{"x", Shape{7, 3}}}).type(graph.outputs()[0]).to_string() == "float[7,3]");
    CHECK_THROWS_AS(infer_types_for(graph, {{"x", Shape{7, 4}}}), Error);
    CHECK_THROWS_AS(infer_types_for(graph, {{"z", Shape{7, 3}}}), Error);
    CHECK(graph.outputs()[0]->type().to_string() == "float[N,3]");
}

TEST_CASE("infer: a chain of a hundred thousand nodes") {
    Model model;
    (*model.opset_imports)[""] = 13;
    Value* value = model.graph->add_input("x", ValueType::tensor(DType::Float32, Dims{1, 8}));
    for (int step = 0; step < 100000; ++step)
        value = model.graph->add_node({.op_type = "Relu", .inputs = {value}, .outputs = {"v" + std::to_string(step)}})->output(0);
    model.graph->add_output(value);
    infer_types(*model.graph);
    CHECK(value->type().to_string() == "float[1,8]");
}

TEST_CASE("verify_ops: every broken rule is a finding, not an exception") {
    const auto model = parse(R"(g (float[2, 3] x) => (float[] y) {
        a = Relu(x, x) b = Concat(x, x) c = MatMul(x, x) d = Gelu(x) e = Transpose<perm = [0, 0]>(x) y = Relu(x) })");
    std::string text;
    for (const Finding& finding : verify_ops(*model->graph)) text += finding.object + ": " + finding.problem() + "\n";
    INFO(text);
    CHECK(verify_ops(*model->graph).size() == 5);
    CHECK(text.find("has 2 inputs, expected 1") != std::string::npos);
    CHECK(text.find("attribute 'axis' is missing") != std::string::npos);
    CHECK(text.find("cannot be multiplied") != std::string::npos);
    CHECK(text.find("does not exist in opset 13") != std::string::npos);
    CHECK(text.find("not a permutation") != std::string::npos);
}
