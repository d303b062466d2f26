// What transformers are made of: GELU written out, layer normalization, and products of codes with float operators behind them.
#include "catch.h"
#include "engine_pair.h"

using namespace mcompress;

namespace {

using Form = Value* (*)(GraphMaker&, Value*);

Value* scalar(GraphMaker& maker, float value) { return maker.constant(Tensor::scalar(value)); }

Value* bracket(GraphMaker& maker, Value* x) {
    return maker.add("Add", {maker.add("Erf", {maker.add("Div", {x, scalar(maker, 1.41421356F)})}), scalar(maker, 1.0F)});
}

Value* halved_last(GraphMaker& maker, Value* x) {
    return maker.add("Mul", {maker.add("Mul", {x, bracket(maker, x)}), scalar(maker, 0.5F)});
}

Value* halved_bracket(GraphMaker& maker, Value* x) {
    Value* erf = maker.add("Erf", {maker.add("Mul", {scalar(maker, 0.70710678F), x})});
    Value* sum = maker.add("Add", {scalar(maker, 1.0F), erf});
    return maker.add("Mul", {maker.add("Mul", {scalar(maker, 0.5F), sum}), x});
}

Value* halved_first(GraphMaker& maker, Value* x) {
    return maker.add("Mul", {maker.add("Div", {x, scalar(maker, 2.0F)}), bracket(maker, x)});
}

/// x·(1 + erf(x/√2)): not halved, so it must not be taken for GELU.
Value* not_halved(GraphMaker& maker, Value* x) { return maker.add("Mul", {maker.add("Mul", {x, bracket(maker, x)}), scalar(maker, 0.6F)}); }

Value* coded_weights(GraphMaker& maker, Shape shape) {
    Value* codes = maker.quantized_weights(shape)->producer()->input(0);
    return maker.add("DequantizeLinear", {codes, scalar(maker, 0.01F)});
}

bool has_step_with(GraphMaker& maker, const std::string& part, const std::string& precision) {
    for (const StepInfo& step : steps_of(maker))
        if (step.op.find(part) != std::string::npos && step.precision == precision) return true;
    return false;
}

/// Whether this processor adds products of bytes exactly: only then oneDNN multiplies codes.
bool has_vnni(GraphMaker& maker) {
    for (const StepInfo& step : steps_of(maker))
        if (step.kernel.find("int8_exact") != std::string::npos) return false;
    return true;
}

}  // namespace

TEST_CASE("GELU written out in any order runs inside of the product before it", "[onednn]") {
    for (const Form form : {halved_last, halved_bracket, halved_first}) {
        GraphMaker maker;
        Value* product = maker.add("MatMul", {maker.input("x", Shape{2, 9, 24}), maker.weights(Shape{24, 40})});
        maker.output(form(maker, maker.add("Add", {maker.weights(Shape{40}), product})));
        CHECK(relative_difference(maker) < 1e-5);
        CHECK(steps_of(maker).size() == 1);
    }
}

TEST_CASE("what is not quite GELU is left as it is", "[onednn]") {
    GraphMaker maker;
    Value* product = maker.add("MatMul", {maker.input("x", Shape{9, 24}), maker.weights(Shape{24, 40})});
    SECTION("another factor") { maker.output(not_halved(maker, product)); }
    SECTION("a value inside is wanted") {
        Value* result = halved_last(maker, product);
        maker.output(result->producer()->input(0));
        maker.output(result);
    }
    SECTION("a scalar of higher rank") {
        Value* sum = maker.add("Add", {maker.add("Erf", {maker.add("Div", {product, scalar(maker, 1.41421356F)})}),
                                       maker.constant(Tensor::from_values(Shape{1, 1, 1}, {1.0F}))});
        maker.output(maker.add("Mul", {maker.add("Mul", {product, sum}), scalar(maker, 0.5F)}));
    }
    CHECK(relative_difference(maker) < 1e-5);
    CHECK(has_step(maker, "Erf"));
}

TEST_CASE("layer normalization equals the reference", "[onednn]") {
    for (const std::int64_t axis : {-1, 1})
        for (const bool shifted : {true, false}) {
            GraphMaker maker;
            const Shape normalized = axis == 1 ? Shape{7, 48} : Shape{48};
            std::vector<Value*> inputs{maker.input("x", Shape{3, 7, 48}), maker.weights(normalized)};
            if (shifted) inputs.push_back(maker.weights(normalized));
            maker.output(maker.add("LayerNormalization", inputs, {{"axis", axis, {}}}));
            CAPTURE(axis, shifted);
            CHECK(relative_difference(maker) < 1e-5);
            for (const StepInfo& step : steps_of(maker)) CHECK(step.kernel.find("plain:") == std::string::npos);
        }
}

TEST_CASE("a product of codes goes on in float: bias, sum, GELU, and a quantizer at the end", "[onednn][int8]") {
    for (const std::int64_t rows : {1, 7, 64}) {
        GraphMaker maker;
        Value* x = maker.dequantize(maker.input("x", Shape{1, rows, 96}, DType::UInt8), 0.02F, 121);
        Value* product = maker.add("Add", {maker.weights(Shape{64}), maker.add("MatMul", {x, coded_weights(maker, Shape{96, 64})})});
        const bool vnni = has_vnni(maker);
        SECTION("float " + std::to_string(rows)) {
            maker.output(product);
            CHECK(relative_difference(maker) < 1e-5);
        }
        SECTION("with a sum " + std::to_string(rows)) {
            maker.output(maker.add("Add", {product, maker.input("residual", Shape{1, rows, 64})}));
            CHECK(relative_difference(maker) < 1e-5);
            CHECK((!vnni || has_step_with(maker, "MatMul+Add+Add", "u8s8→f32")));
        }
        SECTION("GELU, quantized " + std::to_string(rows)) {
            maker.output(maker.quantize(halved_last(maker, product), 0.02F, 11));
            CHECK(code_difference(maker) <= 1);
            CHECK((!vnni || has_step_with(maker, "QuantizeLinear", "u8s8→u8")));
        }
    }
}

TEST_CASE("a convolution of codes goes on in float", "[onednn][int8]") {
    GraphMaker maker;
    Value* x = maker.dequantize(maker.input("x", Shape{1, 16, 9, 9}, DType::UInt8), 0.02F, 7);
    Value* w = maker.quantized_weights(Shape{20, 16, 3, 3});
    Value* y = maker.add("Conv", {x, w, maker.quantized_bias(w, 0.02F)});
    Value* sum = maker.add("Add", {y, maker.input("residual", Shape{1, 20, 7, 7})});
    maker.output(maker.add("Relu", {sum}));
    CHECK(relative_difference(maker) < 1e-5);
}
