// Bodies of control flow run on plans of their own, and give what the reference engine gives.
#include <thread>

#include "catch.h"
#include "engine/bind_inputs.h"
#include "engine/engine.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "tensor/compare.h"

using namespace mcompress;

namespace {

constexpr std::string_view kHeader = "<ir_version: 8, opset_import: [\"\" : 17]>\n";

Tensor ramp(Shape shape, float step) {
    std::vector<float> values(static_cast<std::size_t>(shape.element_count()));
    for (std::size_t at = 0; at < values.size(); ++at) values[at] = step * static_cast<float>(static_cast<int>(at % 17) - 8);
    return Tensor::from_values(std::move(shape), values);
}

/// An input `w` takes the weights as its default.
std::unique_ptr<Model> parsed(const std::string& text) {
    auto model = parse_model(std::string(kHeader) + text);
    Graph& graph = *model->graph;
    if (Value* weights = graph.find_value("w")) graph.set_initializer(weights, ramp(*weights->type().shape(), 0.02F));
    infer_types(graph);
    return model;
}

void check_same(const std::vector<Tensor>& expected, const std::vector<Tensor>& found) {
    REQUIRE(found.size() == expected.size());
    for (std::size_t at = 0; at < found.size(); ++at) {
        REQUIRE(found[at].shape() == expected[at].shape());
        const std::vector<float> a = to_floats(expected[at]), b = to_floats(found[at]);
        for (std::size_t i = 0; i < a.size(); ++i) CHECK(b[i] == Approx(a[i]).margin(1e-4));
    }
}

std::vector<Tensor> run(const Engine& engine, const Graph& graph, const std::vector<Tensor>& inputs) {
    return engine.compile(graph, {.input_shapes = shapes_given(graph, inputs), .threads = 2})->run(inputs);
}

/// Both branches read values of the outer graph, and one of them weights.
constexpr const char* kBranches = R"(g (float[n,16,6,6] x, bool c, float[16,16,3,3] w) => (float[n,16,6,6] y, float[n,16,6,6] z) {
    s = Sigmoid (x)
    y, z = If (c) <
        then_branch = t () => (float[n,16,6,6] ty, float[n,16,6,6] tz) { tc = Conv <pads = [1,1,1,1]> (s, w) ty = Relu (tc) tz = Add (ty, x) },
        else_branch = e () => (float[n,16,6,6] ey, float[n,16,6,6] ez) { ey = Neg (s) ez = Identity (x) }>
})";

}  // namespace

TEST_CASE("branches run on oneDNN, whichever is taken and whatever the shapes", "[onednn]") {
    const auto model = parsed(kBranches);
    const auto reference = make_reference_engine(), engine = make_onednn_engine();
    for (const std::int64_t batch : {1, 3}) {
        const Tensor x = ramp(Shape{batch, 16, 6, 6}, 0.1F);
        const auto plan = engine->compile(*model->graph, {.input_shapes = {{"x", x.shape()}, {"c", Shape{}}}, .threads = 2});
        for (const bool condition : {true, false, true}) {
            const std::vector<Tensor> inputs{x, Tensor::scalar(condition), Tensor{}};
            check_same(run(*reference, *model->graph, inputs), plan->run(inputs));
        }
    }
}

TEST_CASE("a body's plans outlive the engine and serve several threads", "[onednn]") {
    const auto model = parsed(kBranches);
    const Tensor x = ramp(Shape{2, 16, 6, 6}, 0.1F);
    const auto plan = make_onednn_engine()->compile(*model->graph, {.input_shapes = {{"x", x.shape()}, {"c", Shape{}}}});
    const auto reference = make_reference_engine();
    std::vector<std::vector<Tensor>> expected;
    for (const bool condition : {false, true}) expected.push_back(run(*reference, *model->graph, {x, Tensor::scalar(condition), Tensor{}}));
    std::vector<std::vector<Tensor>> found(4);
    std::vector<std::thread> threads;
    for (std::size_t at = 0; at < found.size(); ++at)
        threads.emplace_back([&, at] {
            for (int turn = 0; turn < 20; ++turn) found[at] = plan->run(std::vector{x, Tensor::scalar(at % 2 == 1), Tensor{}});
        });
    for (std::thread& thread : threads) thread.join();
    for (std::size_t at = 0; at < found.size(); ++at) check_same(expected[at % 2], found[at]);
}

TEST_CASE("a loop whose tensors grow at every turn", "[onednn]") {
    const auto model = parsed(R"(g (int64 turns, float[1,8] start, float[8,8] w) => (float[m,8] all, float[k,1,8] each) {
        go = Constant <value = bool {1}> ()
        all, each = Loop (turns, go, start) <body = b (int64 i, bool on, float[r,8] before) => (bool still, float[q,8] after, float[1,8] seen) {
            still = Identity (on)
            fresh = MatMul (before, w)
            level = Tanh (fresh)
            after = Concat <axis = 0> (level, start)
            seen = Mul (start, start)
        }>
    })");
    const std::vector<Tensor> inputs{Tensor::scalar(std::int64_t{12}), ramp(Shape{1, 8}, 0.3F), Tensor{}};
    check_same(run(*make_reference_engine(), *model->graph, inputs), run(*make_onednn_engine(), *model->graph, inputs));
}
