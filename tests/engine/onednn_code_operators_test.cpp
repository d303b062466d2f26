// Operators on codes (QLinearConv and its like) run on the integer primitives that quantized groups run on.
#include "catch.h"
#include "engine_pair.h"
#include "ops/infer.h"

using namespace mcompress;

namespace {

constexpr const char* kMicrosoft = "com.microsoft";

struct Codes {
    Value *codes, *scale, *zero;
};

Codes input(GraphMaker& maker, const std::string& name, Shape shape, float scale, std::uint8_t zero) {
    return {maker.input(name, std::move(shape), DType::UInt8), maker.constant(Tensor::scalar(scale)), maker.constant(Tensor::scalar(zero))};
}

Codes weights(GraphMaker& maker, Shape shape) {
    Value* codes = maker.quantized_weights(std::move(shape))->producer()->input(0);
    return {codes, maker.constant(Tensor::scalar(0.01F)), maker.constant(Tensor::scalar(std::int8_t{0}))};
}

Value* bias(GraphMaker& maker, std::int64_t count) {
    std::vector<std::int32_t> values;
    for (std::int64_t at = 0; at < count; ++at) values.push_back(static_cast<std::int32_t>(at * 131 % 997) - 400);
    return maker.constant(Tensor::from_values(Shape{count}, values));
}

void check(GraphMaker& maker, Value* result) {
    maker.output(result);
    CHECK(code_difference(maker) <= 1);
    for (const StepInfo& step : steps_of(maker))
        CHECK((step.op == "Reorder" || step.precision.find("→") != std::string::npos || step.op == "MaxPool" ||
               step.op == "QLinearConcat"));  // from codes to codes
    CHECK_FALSE(has_reference_step(maker));
}

}  // namespace

TEST_CASE("operators on codes run in integers", "[onednn][int8]") {
    GraphMaker maker;
    (*maker.graph().opset_imports())[kMicrosoft] = 1;
    const Codes x = input(maker, "x", Shape{2, 8, 7, 6}, 0.04F, 120);
    Value* scale = maker.constant(Tensor::scalar(0.06F));
    Value* zero = maker.constant(Tensor::scalar(std::uint8_t{100}));
    SECTION("QLinearConv") {
        const Codes w = weights(maker, Shape{8, 8, 3, 3});
        Value* y = maker.add("QLinearConv", {x.codes, x.scale, x.zero, w.codes, w.scale, w.zero, scale, zero, bias(maker, 8)},
                             {{"pads", std::vector<std::int64_t>{1, 1, 1, 1}, {}}});
        y = maker.add("MaxPool", {y},
                      {{"kernel_shape", std::vector<std::int64_t>{2, 2}, {}}, {"strides", std::vector<std::int64_t>{2, 2}, {}}});
        check(maker, y);
        for (const StepInfo& step : steps_of(maker)) CHECK_FALSE(step.kernel.starts_with("plain:QLinearConv"));
    }
    SECTION("QLinearAdd, QLinearMul and QLinearConcat") {
        const Codes other = input(maker, "y", Shape{2, 8, 7, 6}, 0.02F, 30);
        Value* sum = maker.add("QLinearAdd", {x.codes, x.scale, x.zero, other.codes, other.scale, other.zero, scale, zero}, {}, kMicrosoft);
        Value* product = maker.add("QLinearMul", {sum, scale, zero, other.codes, other.scale, other.zero, scale, zero}, {}, kMicrosoft);
        check(maker, maker.add("QLinearConcat", {scale, zero, product, scale, zero, x.codes, x.scale, x.zero},
                               {{"axis", std::int64_t{1}, {}}}, kMicrosoft));
    }
    SECTION("averages") {
        Value* near = maker.add("QLinearAveragePool", {x.codes, x.scale, x.zero, scale, zero},
                                {{"kernel_shape", std::vector<std::int64_t>{3, 3}, {}}}, kMicrosoft);
        check(maker, maker.add("QLinearGlobalAveragePool", {near, scale, zero, scale, zero}, {{"channels_last", std::int64_t{0}, {}}},
                               kMicrosoft));
    }
    SECTION("products") {
        const Codes rows = input(maker, "rows", Shape{5, 24}, 0.04F, 120);
        const Codes w = weights(maker, Shape{24, 16}), v = weights(maker, Shape{9, 16});
        Value* y = maker.add("QLinearMatMul", {rows.codes, rows.scale, rows.zero, w.codes, w.scale, w.zero, scale, zero});
        check(maker, maker.add("QGemm", {y, scale, zero, v.codes, v.scale, v.zero, bias(maker, 9), scale, zero},
                               {{"transB", std::int64_t{1}, {}}}, kMicrosoft));
    }
}

TEST_CASE("a product of codes that gives floats", "[onednn][int8]") {
    GraphMaker maker;
    (*maker.graph().opset_imports())[kMicrosoft] = 1;
    const Codes rows = input(maker, "rows", Shape{5, 24}, 0.04F, 120);
    const Codes w = weights(maker, Shape{24, 16});
    maker.output(maker.add("QGemm", {rows.codes, rows.scale, rows.zero, w.codes, w.scale, w.zero, bias(maker, 16)}, {}, kMicrosoft));
    CHECK(relative_difference(maker) < 1e-6);
    for (const StepInfo& step : steps_of(maker)) CHECK(step.kernel != "plain:QGemm");
}
