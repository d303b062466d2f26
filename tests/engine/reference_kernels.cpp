// Single kernels where the published tests are silent: quantization, narrow types, strings, windows, bodies.
#include <limits>

#include "catch.h"
#include "engine/engine.h"
#include "engine/reference/kernel.h"
#include "ir/model.h"
#include "onnx/text.h"
#include "support/error.h"
#include "tensor/compare.h"
#include "tensor/float16.h"

using namespace mcompress;

namespace {

/// Runs one node of an operator on inputs; types are those of the tensors.
std::vector<Tensor> apply(const std::string& type, const std::vector<Tensor>& inputs, std::vector<Attribute> attributes = {},
                          int opset = 21, std::size_t outputs = 1) {
    Model model;
    (*model.opset_imports)[""] = opset;
    NodeSpec spec;
    spec.op_type = type;
    for (std::size_t i = 0; i < inputs.size(); ++i)
        spec.inputs.push_back(inputs[i].defined()
                                  ? model.graph->add_input("i" + std::to_string(i), ValueType::tensor(inputs[i].dtype(), inputs[i].shape()))
                                  : nullptr);
    spec.attributes = std::move(attributes);
    spec.outputs.assign(outputs, "");
    return evaluate_node(*model.graph->add_node(std::move(spec)), inputs);
}

Attribute integer(const char* name, std::int64_t value) { return {name, value, {}}; }
Attribute list(const char* name, std::vector<std::int64_t> value) { return {name, std::move(value), {}}; }

template <typename T> Tensor tensor(Shape shape, std::initializer_list<T> values) {
    return Tensor::from_values<T>(std::move(shape), values);
}

template <typename T> void check_values(const Tensor& found, std::initializer_list<T> expected) {
    REQUIRE(found.dtype() == dtype_of<T>);
    CHECK(std::vector<T>(found.values<T>().begin(), found.values<T>().end()) == std::vector<T>(expected));
}

Tensor float_tensor_as_half(const std::vector<float>& values) {
    Tensor result(DType::Float16, {static_cast<std::int64_t>(values.size())});
    for (std::size_t i = 0; i < values.size(); ++i) result.mutable_data<Float16>()[i] = to_float16(values[i]);
    return result;
}

Tensor int4(Shape shape, std::initializer_list<std::uint8_t> bytes) {
    return Tensor::from_bytes(DType::Int4, std::move(shape), std::as_bytes(std::span(bytes.begin(), bytes.size())));
}

}  // namespace

TEST_CASE("QuantizeLinear divides, rounds halves to even and saturates") {
    const Tensor x = tensor<float>({7}, {0.5f, 1.5f, -0.5f, 300.0f, -300.0f, 2.5f, std::numeric_limits<float>::quiet_NaN()});
    const auto y = apply("QuantizeLinear", {x, Tensor::scalar(1.0f), Tensor::scalar<std::int8_t>(1)});
    check_values<std::int8_t>(y[0], {1, 3, 1, 127, -128, 3, 1});
}

TEST_CASE("QuantizeLinear and DequantizeLinear along an axis") {
    const Tensor x = tensor<float>({2, 2}, {1, 2, 3, 4});
    const Tensor scale = tensor<float>({2}, {0.5f, 2.0f}), zero = tensor<std::uint8_t>({2}, {0, 10});
    const auto columns = apply("QuantizeLinear", {x, scale, zero}, {integer("axis", 1)});
    check_values<std::uint8_t>(columns[0], {2, 11, 6, 12});
    const auto rows = apply("QuantizeLinear", {x, scale, zero}, {integer("axis", -2)});
    check_values<std::uint8_t>(rows[0], {2, 4, 12, 12});
    check_values<float>(apply("DequantizeLinear", {columns[0], scale, zero}, {integer("axis", 1)})[0], {1, 2, 3, 4});
}

TEST_CASE("DequantizeLinear of int32 has no zero point and is exact for large differences") {
    const Tensor x = tensor<std::int32_t>({2}, {std::numeric_limits<std::int32_t>::max(), -5});
    check_values<float>(apply("DequantizeLinear", {x, Tensor::scalar(2.0f)})[0], {4294967296.0f, -10.0f});
}

TEST_CASE("blocked scales") {
    const Tensor x = tensor<std::int8_t>({4, 1}, {1, 2, 3, 4});
    const Tensor scale = tensor<float>({2, 1}, {1.0f, 10.0f});
    check_values<float>(apply("DequantizeLinear", {x, scale}, {integer("axis", 0), integer("block_size", 2)})[0], {1, 2, 30, 40});
}

TEST_CASE("four-bit elements: quantized, dequantized, moved") {
    const Tensor packed = int4({3}, {0xF1, 0x07});  // 1, -1, 7
    check_values<float>(apply("DequantizeLinear", {packed, Tensor::scalar(0.5f)})[0], {0.5f, -0.5f, 3.5f});
    const Tensor zero = int4({}, {0x00});
    CHECK(apply("QuantizeLinear", {tensor<float>({3}, {0.5f, -0.5f, 9.0f}), Tensor::scalar(0.5f), zero})[0].equals(packed));
    CHECK(apply("Concat", {packed, packed}, {integer("axis", 0)})[0].equals(int4({6}, {0xF1, 0x17, 0x7F})));
}

TEST_CASE("strings are moved like numbers") {
    const Tensor x = Tensor::from_strings({2, 2}, {"a", "b", "c", "d"});
    CHECK(apply("Transpose", {x})[0].strings() == std::vector<std::string>{"a", "c", "b", "d"});
    const auto padded = apply("Pad", {x, tensor<std::int64_t>({4}, {0, 0, 0, 1})});
    CHECK(padded[0].strings() == std::vector<std::string>{"a", "b", "", "c", "d", ""});
}

TEST_CASE("float16 is computed in float and rounded once") {
    const auto y = apply("Add", {float_tensor_as_half({1.0f, 2048.0f}), float_tensor_as_half({0.5f, 1.0f})});
    REQUIRE(y[0].dtype() == DType::Float16);
    CHECK(to_floats(y[0]) == std::vector<float>{1.5f, 2048.0f});
}

TEST_CASE("a convolution with merged dimensions equals one without") {
    Tensor x(DType::Float32, {1, 2, 5, 3}), w(DType::Float32, {2, 2, 3, 1});
    for (std::int64_t i = 0; i < x.element_count(); ++i) x.mutable_data<float>()[i] = static_cast<float>(i % 7) - 3.0f;
    for (std::int64_t i = 0; i < w.element_count(); ++i) w.mutable_data<float>()[i] = static_cast<float>(i % 5) - 2.0f;
    const auto merged = apply("Conv", {x, w}, {list("pads", {2, 0, 1, 0}), list("dilations", {2, 1})});
    // The same taps with a zero beside each: the last dimension can no longer be merged.
    Tensor wide(DType::Float32, {2, 2, 3, 2});
    for (std::int64_t i = 0; i < w.element_count(); ++i) wide.mutable_data<float>()[2 * i] = w.data<float>()[i];
    const auto plain = apply("Conv", {x, wide}, {list("pads", {2, 0, 1, 1}), list("dilations", {2, 1})});
    CHECK(merged[0].shape() == Shape{1, 2, 4, 3});
    CHECK(merged[0].equals(plain[0]));
}

TEST_CASE("integer arithmetic wraps and refuses division by zero") {
    const Tensor top = tensor<std::int32_t>({1}, {std::numeric_limits<std::int32_t>::max()});
    check_values<std::int32_t>(apply("Add", {top, tensor<std::int32_t>({1}, {1})})[0], {std::numeric_limits<std::int32_t>::min()});
    const Tensor bottom = tensor<std::int32_t>({1}, {std::numeric_limits<std::int32_t>::min()});
    check_values<std::int32_t>(apply("Div", {bottom, tensor<std::int32_t>({1}, {-1})})[0], {std::numeric_limits<std::int32_t>::min()});
    CHECK_THROWS_AS(apply("Div", {top, tensor<std::int32_t>({1}, {0})}), Error);
}

TEST_CASE("indices outside are refused, not followed") {
    const Tensor x = tensor<float>({3}, {1, 2, 3});
    CHECK_THROWS_AS(apply("Gather", {x, tensor<std::int64_t>({1}, {3})}), Error);
    CHECK_THROWS_AS(apply("Gather", {x, tensor<std::int64_t>({1}, {-4})}), Error);
    CHECK_THROWS_AS(apply("ScatterElements", {x, tensor<std::int64_t>({1}, {7}), tensor<float>({1}, {0})}), Error);
    CHECK_THROWS_AS(apply("GatherND", {x, tensor<std::int64_t>({1, 1}, {5})}), Error);
    check_values<float>(apply("Gather", {x, tensor<std::int64_t>({1}, {-3})})[0], {1});
}

TEST_CASE("empty tensors go through") {
    const Tensor empty(DType::Float32, {0, 3});
    CHECK(apply("Relu", {empty})[0].shape() == Shape{0, 3});
    CHECK(apply("MatMul", {empty, Tensor(DType::Float32, {3, 2})})[0].shape() == Shape{0, 2});
    constexpr std::int64_t kMany = kMostBesideNone / 3;
    const Tensor many_empty(DType::Float32, {kMany, 0, 3});  // a list of so many products would take gigabytes
    CHECK(apply("MatMul", {many_empty, Tensor(DType::Float32, {3, 2})})[0].shape() == Shape{kMany, 0, 2});
    CHECK(apply("Concat", {empty, Tensor(DType::Float32, {2, 3})}, {integer("axis", 0)})[0].shape() == Shape{2, 3});
    CHECK(apply("Transpose", {empty})[0].shape() == Shape{3, 0});
}

TEST_CASE("bodies read outer values and their Observe nodes reach the tap") {
    const auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13, "mcompress" : 1]>
        outer (float[2] x, bool flag) => (float[2] y) {
            twice = Add(x, x)
            y = If(flag) <
                then_branch = yes () => (float[2] a) { seen = mcompress.Observe(twice) a = Neg(seen) },
                else_branch = no () => (float[2] b) { b = Mul(twice, x) }>
        })");
    const auto plan = make_reference_engine()->compile(*model->graph, {});
    std::string log;
    const Tap tap = [&](const Value& value, const Tensor&) { log += value.name() + " "; };
    const Tensor yes[] = {tensor<float>({2}, {1, 3}), Tensor::scalar(true)}, no[] = {yes[0], Tensor::scalar(false)};
    check_values<float>(plan->run(yes, tap)[0], {-2, -6});
    CHECK(log == "twice ");
    check_values<float>(plan->run(no, tap)[0], {2, 18});
    CHECK(log == "twice ");
}

TEST_CASE("results do not depend on the number of threads") {
    Tensor x(DType::Float32, {1, 32, 40, 40}), w(DType::Float32, {32, 32, 3, 3});
    for (Tensor* t : {&x, &w})
        for (std::int64_t i = 0; i < t->element_count(); ++i)
            t->mutable_data<float>()[i] = static_cast<float>((i * 7919) % 101) / 50.0f - 1.0f;
    Model model;
    (*model.opset_imports)[""] = 13;
    NodeSpec spec;
    spec.op_type = "Conv";
    spec.inputs = {model.graph->add_input("x", ValueType::tensor(DType::Float32, x.shape())),
                   model.graph->add_input("w", ValueType::tensor(DType::Float32, w.shape()))};
    const Node* node = model.graph->add_node(std::move(spec));
    const Tensor inputs[] = {x, w};
    CHECK(evaluate_node(*node, inputs, 1)[0].equals(evaluate_node(*node, inputs, 3)[0]));
}

TEST_CASE("QONNX's Quant rounds, clips to its width and comes back to real numbers") {
    Model model;
    (*model.opset_imports)["onnx.brevitas"] = 1;
    const std::vector<Tensor> inputs{tensor<float>({2, 2}, {0.3f, 100.0f, -100.0f, 0.75f}), tensor<float>({1, 2}, {0.5f, 0.5f}),
                                     Tensor::scalar(0.0f), Tensor::scalar(4.0f)};
    NodeSpec spec;
    spec.op_type = "Quant";
    spec.domain = "onnx.brevitas";
    for (const Tensor& input : inputs) spec.inputs.push_back(model.graph->add_input("", ValueType::tensor(input.dtype(), input.shape())));
    spec.attributes = {integer("signed", 1), integer("narrow", 1)};
    check_values<float>(evaluate_node(*model.graph->add_node(std::move(spec)), inputs)[0], {0.5f, 3.5f, -3.5f, 1.0f});
}
