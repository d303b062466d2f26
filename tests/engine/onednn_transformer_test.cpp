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

namespace {

enum class Scales { Product, OneByOne };

/// x → DynamicQuantizeLinear → MatMulInteger → Cast → Mul …, as exporters write it.
Value* dynamic_product(GraphMaker& maker, Value* x, std::int64_t inner, std::int64_t columns, Scales scales, DType dtype) {
    Node* quantizer = maker.graph().add_node({.op_type = "DynamicQuantizeLinear", .inputs = {x}, .outputs = {"", "", ""}});
    Value* codes = maker.quantized_weights(Shape{inner, columns})->producer()->input(0);
    std::vector<Value*> inputs{quantizer->output(0), codes, quantizer->output(2)};
    if (dtype == DType::UInt8) {  // the same numbers around 128
        Tensor shifted(DType::UInt8, Shape{inner, columns});
        for (std::int64_t at = 0; at < shifted.element_count(); ++at)
            shifted.mutable_data<std::uint8_t>()[at] = static_cast<std::uint8_t>(codes->constant()->data<std::int8_t>()[at] + 128);
        inputs[1] = maker.constant(shifted);
        inputs.push_back(maker.constant(Tensor::scalar(std::uint8_t{128})));
    }
    Value* sums = maker.add("Cast", {maker.add("MatMulInteger", inputs)}, {{"to", std::int64_t{1}, {}}});
    std::vector<float> values;
    for (std::int64_t column = 0; column < columns; ++column) values.push_back(0.001F * static_cast<float>(column % 7 + 1));
    Value* weight_scales = maker.constant(Tensor::from_values(Shape{columns}, values));
    if (scales == Scales::Product) return maker.add("Mul", {sums, maker.add("Mul", {quantizer->output(1), weight_scales})});
    return maker.add("Mul", {weight_scales, maker.add("Mul", {sums, quantizer->output(1)})});
}

}  // namespace

TEST_CASE("a dynamically quantized product is one step with what follows it", "[onednn][int8]") {
    for (const Scales scales : {Scales::Product, Scales::OneByOne})
        for (const DType dtype : {DType::Int8, DType::UInt8})
            for (const std::int64_t rows : {1, 9, 70}) {
                GraphMaker maker;
                Value* x = maker.input("x", Shape{1, rows, 48});
                Value* y = dynamic_product(maker, x, 48, 40, scales, dtype);
                y = halved_last(maker, maker.add("Add", {maker.weights(Shape{40}), y}));
                maker.output(maker.add("Add", {y, maker.input("residual", Shape{1, rows, 40})}));
                CAPTURE(rows, dtype_name(dtype));
                CHECK(relative_difference(maker) < 1e-5);
                if (has_vnni(maker) && has_step(maker, "DynamicQuantizeLinear"))
                    CHECK(steps_of(maker).size() == (scales == Scales::Product ? 3 : 2));
            }
}

TEST_CASE("dynamic quantization of special tensors", "[onednn][int8]") {
    GraphMaker maker;
    SECTION("products that share a quantizer, and a reader of its codes") {
        Value* x = maker.input("x", Shape{5, 48});
        Value* y = dynamic_product(maker, x, 48, 40, Scales::Product, DType::Int8);
        maker.output(y);
        Node* cast = y->producer()->input(0)->producer();
        Node* quantizer = cast->input(0)->producer()->input(0)->producer();
        maker.output(maker.add("DequantizeLinear", {quantizer->output(0), quantizer->output(1), quantizer->output(2)}));
    }
    SECTION("all zero") {
        Value* x = maker.add("Mul", {maker.input("x", Shape{5, 48}), scalar(maker, 0.0F)});
        maker.output(dynamic_product(maker, x, 48, 40, Scales::Product, DType::Int8));
    }
    SECTION("the sums are wanted, too") {
        Value* y = dynamic_product(maker, maker.input("x", Shape{5, 48}), 48, 40, Scales::Product, DType::Int8);
        maker.output(y);
        maker.output(y->producer()->input(0));
    }
    SECTION("many elements, so that several threads look for the range") {
        maker.output(dynamic_product(maker, maker.input("x", Shape{400, 48}), 48, 16, Scales::OneByOne, DType::Int8));
    }
    CHECK(relative_difference(maker) < 1e-5);
}
