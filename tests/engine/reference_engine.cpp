// The interpreter: order, defaults, taps, release, checks.
#include <functional>
#include <string>

#include "catch.h"
#include "engine/engine.h"
#include "engine/reference/kernel.h"
#include "ir/model.h"
#include "support/error.h"

using namespace mcompress;

namespace {

struct Built {
    Model model;
    Graph& graph = *model.graph;

    explicit Built(int opset = 13) { (*model.opset_imports)[""] = opset; }

    Value* input(const std::string& name, Dims dims, DType dtype = DType::Float32) {
        return graph.add_input(name, ValueType::tensor(dtype, std::move(dims)));
    }
    Value* node(const std::string& type, std::vector<Value*> inputs, const std::string& output, const std::string& domain = {}) {
        NodeSpec spec;
        spec.op_type = type;
        spec.inputs = std::move(inputs);
        spec.name = output + "_node";
        spec.domain = domain;
        spec.outputs = {output};
        return graph.add_node(std::move(spec))->output(0);
    }
};

Tensor floats(Shape shape, std::initializer_list<float> values) { return Tensor::from_values<float>(std::move(shape), values); }

std::string code_of(const std::function<void()>& action, std::string* message = nullptr) {
    try {
        action();
    } catch (const Error& error) {
        if (message) *message = error.what();
        return error.code().id;
    }
    return "none";
}

}  // namespace

TEST_CASE("a graph runs in order, with constants") {
    Built b;
    Value* x = b.input("x", {Dim("n"), 2});
    Value* scale = b.graph.add_constant("scale", floats({2}, {2, -1}));
    Value* y = b.node("Mul", {x, scale}, "y");
    b.graph.add_output(b.node("Relu", {y}, "z"));
    const auto plan = make_reference_engine()->compile(b.graph, {});
    const Tensor input = floats({2, 2}, {1, 2, -3, -4});
    const auto outputs = plan->run(std::span(&input, 1));
    REQUIRE(outputs.size() == 1);
    CHECK(outputs[0].equals(floats({2, 2}, {2, 0, 0, 4})));
    REQUIRE(plan->steps().size() == 2);
    CHECK(plan->steps()[0].kernel == "reference:Mul");
    CHECK(plan->steps()[0].precision == "f32");
    CHECK(plan->steps()[1].name == "z_node");
}

TEST_CASE("Observe nodes and tapped values reach the tap") {
    Built b;
    Value* x = b.input("x", {2});
    Value* seen = b.node("Observe", {b.node("Neg", {x}, "y")}, "seen", "mcompress");
    Value* z = b.node("Abs", {seen}, "z");
    b.graph.add_output(z);
    CompileOptions options;
    options.tapped = {x, z};
    const auto plan = make_reference_engine()->compile(b.graph, options);
    std::string log;
    const Tensor input = floats({2}, {1, 2});
    plan->run(std::span(&input, 1), [&](const Value& value, const Tensor& tensor) {
        log += value.name() + "=" + std::to_string(static_cast<int>(tensor.data<float>()[1])) + " ";
    });
    CHECK(log == "x=2 y=-2 z=2 ");
}

TEST_CASE("an input with a default may be left out, another may not") {
    Built b;
    Value* x = b.input("x", {1});
    Value* d = b.input("d", {1});
    b.graph.set_initializer(d, floats({1}, {10}));
    b.graph.add_output(b.node("Add", {x, d}, "y"));
    const auto plan = make_reference_engine()->compile(b.graph, {});
    const Tensor inputs[] = {floats({1}, {1}), Tensor()};
    CHECK(plan->run(inputs)[0].data<float>()[0] == 11.0f);
    CHECK(plan->run(std::span(inputs, 1))[0].data<float>()[0] == 11.0f);
    CHECK(code_of([&] { plan->run({}); }) == codes::kDataMismatch.id);
}

TEST_CASE("inputs of another type, rank or extent are refused with both sides named") {
    Built b;
    b.graph.add_output(b.node("Relu", {b.input("x", {Dim("n"), 3})}, "y"));
    const auto plan = make_reference_engine()->compile(b.graph, {});
    for (const Tensor& wrong : {floats({3}, {1, 2, 3}), floats({1, 2}, {1, 2}), Tensor(DType::Int32, Shape{1, 3})}) {
        std::string message;
        CHECK(code_of([&] { plan->run(std::span(&wrong, 1)); }, &message) == codes::kDataMismatch.id);
        CHECK(message.find("'x'") != std::string::npos);
        CHECK(message.find("float[n,3]") != std::string::npos);
    }
}

TEST_CASE("all operators without a kernel are named at once") {
    Built b;
    Value* y = b.node("Frobnicate", {b.input("x", {1})}, "y");
    b.graph.add_output(b.node("Twist", {b.node("Relu", {y}, "r")}, "z", "com.example"));
    std::string message;
    CHECK(code_of([&] { make_reference_engine()->compile(b.graph, {}); }, &message) == codes::kOperatorUnsupported.id);
    CHECK(message.find("'y_node': Frobnicate") != std::string::npos);
    CHECK(message.find("'z_node': com.example::Twist") != std::string::npos);
    CHECK(message.find("Relu") == std::string::npos);
}

TEST_CASE("a problem at run time names the node") {
    Built b;
    b.graph.add_output(b.node("Add", {b.input("a", {Dim("n")}), b.input("b", {Dim("m")})}, "y"));
    const auto plan = make_reference_engine()->compile(b.graph, {});
    const Tensor inputs[] = {floats({2}, {1, 2}), floats({3}, {1, 2, 3})};
    std::string message;
    CHECK(code_of([&] { plan->run(inputs); }, &message) == codes::kShapeInvalid.id);
    CHECK(message.find("y_node") != std::string::npos);
}

TEST_CASE("values are released after their last reader") {
    Built b;
    Value* x = b.input("x", {4});
    Value* last = x;
    for (int i = 0; i < 5; ++i) last = b.node("Identity", {last}, "i" + std::to_string(i));
    Value* first_sum = b.node("Add", {last, last}, "s");
    b.graph.add_output(b.node("Neg", {first_sum}, "y"));
    CompileOptions options;
    options.tapped = {b.graph.find_value("s"), b.graph.find_value("y")};
    const auto plan = make_reference_engine()->compile(b.graph, options);
    const std::byte* sum_bytes = nullptr;
    Tensor kept;
    const Tensor input = floats({4}, {1, 2, 3, 4});
    plan->run(std::span(&input, 1), [&](const Value& value, const Tensor& tensor) {
        if (value.name() == "s") sum_bytes = tensor.bytes();
        if (value.name() == "s") kept = tensor;
        // When y arrives, nobody but this test holds s: writing to it must not need a copy once the run is over.
    });
    CHECK(kept.mutable_bytes() == sum_bytes);
}

TEST_CASE("constant folding is stopped before it makes huge tensors") {
    Built b;
    Value* shape = b.graph.add_constant("shape", Tensor::from_values<std::int64_t>(Shape{2}, {1 << 20, 1 << 20}));
    Value* y = b.node("ConstantOfShape", {shape}, "y");
    CHECK(code_of([&] { evaluate_node(*y->producer(), std::span(shape->constant(), 1)); }) == codes::kTooLarge.id);
    const Tensor small = Tensor::from_values<std::int64_t>(Shape{2}, {2, 3});
    CHECK(evaluate_node(*y->producer(), std::span(&small, 1))[0].shape() == Shape{2, 3});
}

TEST_CASE("a chain of a hundred thousand nodes needs no recursion") {
    Built b;
    Value* last = b.input("x", {1});
    for (int i = 0; i < 100000; ++i) last = b.node("Identity", {last}, "v" + std::to_string(i));
    b.graph.add_output(last);
    const auto plan = make_reference_engine()->compile(b.graph, {});
    const Tensor input = floats({1}, {3});
    CHECK(plan->run(std::span(&input, 1))[0].data<float>()[0] == 3.0f);
}
