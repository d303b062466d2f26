#include "catch.h"
#include "engine_pair.h"

using namespace mcompress;

namespace {

using Ints = std::vector<std::int64_t>;
Attribute ints(const char* name, Ints values) { return {name, std::move(values), {}}; }
Attribute number(const char* name, std::int64_t value) { return {name, value, {}}; }

struct ConvCase {
    Shape input, weights;
    std::vector<Attribute> attributes;
};

const std::vector<ConvCase> kConvolutions = {
    {{1, 3, 13, 11}, {8, 3, 3, 3}, {ints("pads", {1, 1, 1, 1}), ints("strides", {2, 2})}},
    {{1, 16, 9, 9}, {24, 16, 1, 1}, {}},
    {{2, 24, 7, 7}, {40, 24, 3, 3}, {ints("pads", {1, 1, 1, 1})}},
    {{1, 24, 9, 9}, {24, 1, 3, 3}, {number("group", 24), ints("pads", {1, 1, 1, 1})}},
    {{1, 8, 9, 9}, {8, 1, 5, 5}, {number("group", 8), ints("pads", {2, 2, 2, 2}), ints("strides", {2, 2})}},
    {{1, 12, 8, 8}, {20, 6, 3, 3}, {number("group", 2), ints("dilations", {2, 2})}},
    {{1, 5, 9, 9}, {7, 5, 3, 2}, {ints("pads", {0, 1, 2, 0})}},
    {{1, 8, 17}, {8, 8, 3}, {ints("pads", {1, 1})}},
    {{1, 64, 1, 1}, {100, 64, 1, 1}, {}},
};

/// x → Q → DQ → Conv [→ activation] → Q, random 8-bit weights; large sums that 16-bit saturation would spoil.
void make_convolution(GraphMaker& maker, const ConvCase& conv, DType dtype, int zero_point, const std::string& activation) {
    const float scale = 0.03F;
    Value* codes = maker.input("x", conv.input, dtype);
    Value* w = maker.quantized_weights(conv.weights);
    Value* y = maker.add("Conv", {maker.dequantize(codes, scale, zero_point, dtype), w, maker.quantized_bias(w, scale)}, conv.attributes);
    if (activation == "Clip") y = maker.add("Clip", {y, maker.constant(Tensor::scalar(0.0F)), maker.constant(Tensor::scalar(6.0F))});
    else if (!activation.empty()) y = maker.add(activation, {y});
    maker.output(maker.quantize(y, 0.11F, dtype == DType::UInt8 ? 120 : -8, dtype));
}

}  // namespace

TEST_CASE("quantized convolutions equal the reference in every code but for ties", "[onednn][int8]") {
    for (const ConvCase& conv : kConvolutions)
        for (const DType dtype : {DType::UInt8, DType::Int8})
            for (const char* activation : {"", "Relu", "Clip", "LeakyRelu"}) {
                GraphMaker maker;
                make_convolution(maker, conv, dtype, dtype == DType::UInt8 ? 131 : -3, activation);
                CAPTURE(conv.input.to_string(), conv.weights.to_string(), dtype_name(dtype), activation);
                CHECK(code_difference(maker) <= 1);
                CHECK_FALSE(has_reference_step(maker));
                CHECK(has_step(maker, std::string("Conv") + (*activation ? "+" : "") + activation));
            }
}

TEST_CASE("ties are rounded to even before the zero point is added", "[onednn][int8]") {
    // Scales are powers of two: both engines compute without error, and one result in 64 lies halfway between two codes.
    for (const int zero_point : {0, 121, 128})
        for (const std::int64_t channels : {5, 32}) {
            GraphMaker maker;
            Value* x = maker.dequantize(maker.input("x", Shape{1, channels, 16, 16}, DType::UInt8), 0.5F, 3);
            Value* codes = maker.quantized_weights(Shape{48, channels, 1, 1})->producer()->input(0);
            Value* w = maker.add("DequantizeLinear", {codes, maker.constant(Tensor::scalar(0.5F))});
            maker.output(maker.quantize(maker.add("Conv", {x, w}), 16.0F, zero_point));
            CAPTURE(zero_point, channels);
            CHECK(has_step(maker, "Conv"));
            CHECK(code_difference(maker) == 0);
        }
}

TEST_CASE("quantized products equal the reference", "[onednn][int8]") {
    for (const std::string op : {"Gemm", "MatMul"})
        for (const std::int64_t rows : {1, 5, 40}) {
            GraphMaker maker;
            Value* x = maker.dequantize(maker.input("x", Shape{rows, 70}, DType::UInt8), 0.02F, 7);
            Value* y = nullptr;
            if (op == "Gemm") {
                Value* w = maker.quantized_weights(Shape{33, 70});
                y = maker.add("Gemm", {x, w, maker.quantized_bias(w, 0.02F)}, {number("transB", 1)});
            } else {
                Value* w = maker.add("DequantizeLinear",
                                     {maker.quantized_weights(Shape{70, 33})->producer()->input(0), maker.constant(Tensor::scalar(0.01F))});
                y = maker.add("MatMul", {x, w});
            }
            maker.output(maker.quantize(y, 0.2F, 128));
            CAPTURE(op, rows);
            CHECK(code_difference(maker) <= 1);
            CHECK(has_step(maker, op));
        }
}

TEST_CASE("a quantized convolution without a quantizer behind it gives floats", "[onednn][int8]") {
    GraphMaker maker;
    Value* x = maker.dequantize(maker.input("x", Shape{1, 16, 9, 9}, DType::UInt8), 0.02F, 7);
    Value* w = maker.quantized_weights(Shape{20, 16, 3, 3});
    maker.output(maker.add("Conv", {x, w, maker.quantized_bias(w, 0.02F)}));
    CHECK(relative_difference(maker) < 1e-5);
    const auto steps = steps_of(maker);
    bool found = false;
    for (const StepInfo& step : steps) found = found || step.precision == "u8s8→f32";
    CHECK(found);
}

TEST_CASE("Softmax between quantizers works on the codes", "[onednn][int8]") {
    for (const int opset : {11, 13})  // before 13 the axes from the one on are one row
        for (const std::int64_t axis : {1, 2, -1})
            for (const DType dtype : {DType::UInt8, DType::Int8})
                for (const float scale : {0.003F, 0.05F, 2.0F}) {
                    GraphMaker maker(opset);
                    const int zero_point = dtype == DType::UInt8 ? 100 : -5;
                    Value* x = maker.dequantize(maker.input("x", Shape{3, 7, 40, 5}, dtype), scale, zero_point, dtype);
                    Value* y = maker.add("Softmax", {x}, {number("axis", axis)});
                    maker.output(maker.quantize(y, 1.0F / 256.0F, dtype == DType::UInt8 ? 0 : -128, dtype));
                    CAPTURE(opset, axis, dtype_name(dtype), scale);
                    CHECK(code_difference(maker) <= 1);
                    CHECK(steps_of(maker).size() == 1);
                }
}

TEST_CASE("operators between quantizers work on the codes", "[onednn][int8]") {
    const Shape shape{1, 24, 6, 7};
    const auto codes = [&](GraphMaker& maker, const char* name) {
        return maker.dequantize(maker.input(name, shape, DType::UInt8), 0.05F, 100);
    };
    GraphMaker maker;
    Value* x = codes(maker, "x");
    SECTION("Add with Relu") {
        Value* other = maker.dequantize(maker.input("y", shape, DType::UInt8), 0.03F, 50);
        maker.output(maker.quantize(maker.add("Relu", {maker.add("Add", {x, other})}), 0.04F, 20));
        CHECK(has_step(maker, "Add+Relu"));
    }
    SECTION("Mul by one factor a channel") {
        Value* other = maker.dequantize(maker.input("y", Shape{1, 24, 1, 1}, DType::UInt8), 0.004F, 0);
        maker.output(maker.quantize(maker.add("Mul", {x, other}), 0.04F, 99));
        CHECK(has_step(maker, "Mul"));
    }
    SECTION("Sub") { maker.output(maker.quantize(maker.add("Sub", {x, codes(maker, "y")}), 0.08F, 128)); }
    SECTION("MaxPool") {
        maker.output(maker.quantize(
            maker.add("MaxPool", {x}, {ints("kernel_shape", {3, 3}), ints("pads", {1, 1, 1, 1}), ints("strides", {2, 2})}), 0.05F, 100));
    }
    SECTION("AveragePool") {
        maker.output(maker.quantize(maker.add("AveragePool", {x}, {ints("kernel_shape", {3, 3}), ints("pads", {1, 1, 1, 1})}), 0.04F, 101));
    }
    SECTION("GlobalAveragePool") { maker.output(maker.quantize(maker.add("GlobalAveragePool", {x}), 0.01F, 101)); }
    SECTION("Concat with other parameters") {
        Value* other = maker.dequantize(maker.input("y", Shape{1, 8, 6, 7}, DType::UInt8), 0.03F, 50);
        maker.output(maker.quantize(maker.add("Concat", {x, other}, {number("axis", 1)}), 0.05F, 100));
    }
    SECTION("Transpose and Reshape") {
        Value* y = maker.quantize(maker.add("Transpose", {x}, {ints("perm", {0, 2, 3, 1})}), 0.05F, 100);
        const std::vector<std::int64_t> dims{6, -1};
        Value* flat = maker.add("Reshape", {maker.dequantize(y, 0.05F, 100), maker.constant(Tensor::from_values(Shape{2}, dims))});
        maker.output(maker.quantize(flat, 0.05F, 100));
    }
    SECTION("Sigmoid by table") {
        maker.output(maker.quantize(maker.add("Sigmoid", {x}), 1.0F / 256.0F, 0));
        CHECK(has_step(maker, "Sigmoid"));
    }
    SECTION("a change of parameters") { maker.output(maker.quantize(x, 0.1F, 60)); }
    SECTION("a quantizer of floats") { maker.output(maker.quantize(maker.input("f", Shape{1, 3, 9, 8}), 0.03F, 77)); }
    SECTION("a branch that stays float") {
        maker.output(maker.quantize(maker.add("Relu", {x}), 0.05F, 0));
        maker.output(maker.quantize(maker.add("LogSoftmax", {x}), 0.1F, 255));
    }
    CHECK(code_difference(maker) <= 1);
    CHECK_FALSE(has_reference_step(maker));
}

TEST_CASE("a value times what a table makes of it is one table", "[onednn]") {
    for (const bool gate_first : {false, true}) {
        GraphMaker maker;
        Value* x = maker.dequantize(maker.input("x", Shape{2, 5, 6, 6}, DType::UInt8), 0.06F, 110);
        Value* gate = maker.dequantize(maker.quantize(maker.add("Sigmoid", {x}), 1.0F / 256.0F, 0), 1.0F / 256.0F, 0);
        maker.output(maker.quantize(maker.add("Mul", gate_first ? std::vector{gate, x} : std::vector{x, gate}), 0.03F, 9));
        CHECK(code_difference(maker) == 0);
        CHECK(has_step(maker, "Sigmoid+Mul"));
        CHECK(steps_of(maker).size() == 1);
    }
}

TEST_CASE("a table that somebody else reads stays one of its own", "[onednn]") {
    GraphMaker maker;
    Value* x = maker.dequantize(maker.input("x", Shape{1, 3, 4, 4}, DType::UInt8), 0.06F, 110);
    Value* codes = maker.quantize(maker.add("Sigmoid", {x}), 1.0F / 256.0F, 0);
    maker.output(maker.quantize(maker.add("Mul", {x, maker.dequantize(codes, 1.0F / 256.0F, 0)}), 0.03F, 9));
    maker.output(codes);
    CHECK(code_difference(maker) == 0);
    CHECK(has_step(maker, "Sigmoid"));
    CHECK(has_step(maker, "Mul"));
}

TEST_CASE("integer convolutions over a column of points", "[onednn]") {
    for (const bool has_residual : {false, true}) {
        GraphMaker maker;
        Value* x = maker.dequantize(maker.input("x", Shape{2, 8, 21, 1}, DType::UInt8), 0.05F, 120);
        Value* weights = maker.quantized_weights(Shape{8, 8, 5, 1});
        Value* y =
            maker.add("Conv", {x, weights, maker.quantized_bias(weights, 0.05F)}, {{"pads", std::vector<std::int64_t>{2, 0, 2, 0}, {}}});
        if (has_residual) y = maker.add("Add", {y, maker.input("r", Shape{2, 8, 21, 1})});
        maker.output(maker.quantize(y, 0.03F, 100));
        CHECK(code_difference(maker) <= 1);
        CHECK_FALSE(has_reference_step(maker));
    }
}

TEST_CASE("elements picked by a constant index stay codes", "[onednn]") {
    GraphMaker maker;
    Value* x = maker.dequantize(maker.input("x", Shape{2, 3, 4, 5}, DType::UInt8), 0.05F, 120);
    Value* second = maker.constant(Tensor::from_values<std::int64_t>(Shape{}, {1}));
    maker.output(maker.quantize(maker.add("Gather", {x, second}, {{"axis", std::int64_t{0}, {}}}), 0.05F, 120));
    CHECK(code_difference(maker) == 0);
    CHECK(steps_of(maker).size() == 1);
}

TEST_CASE("a constant factor between a product of codes and its quantizer", "[onednn][int8]") {
    for (const int zero_point : {0, 113}) {
        CAPTURE(zero_point);
        GraphMaker maker;
        Value* x = maker.dequantize(maker.input("x", Shape{3, 32}, DType::UInt8), 0.02F, 114);
        Value* y = maker.add("MatMul", {x, maker.quantized_weights(Shape{32, 64})});
        maker.output(maker.quantize(maker.add("Mul", {y, maker.constant(Tensor::scalar(0.5F))}), 0.013F, zero_point));
        CHECK(code_difference(maker) <= 1);
    }
}
