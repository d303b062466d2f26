#include <numeric>

#include "catch.h"
#include "engine_pair.h"

using namespace mcompress;

namespace {

constexpr double kClose = 1e-5;
using Ints = std::vector<std::int64_t>;

Attribute ints(const char* name, Ints values) { return {name, std::move(values), {}}; }
Attribute number(const char* name, std::int64_t value) { return {name, value, {}}; }
Attribute real(const char* name, float value) { return {name, value, {}}; }
Attribute text(const char* name, const char* value) { return {name, std::string(value), {}}; }

struct ConvCase {
    Shape input, weights;
    std::vector<Attribute> attributes;
};

}  // namespace

TEST_CASE("onednn convolutions equal the reference", "[onednn]") {
    const std::vector<ConvCase> cases = {
        {{1, 3, 9, 11}, {8, 3, 3, 3}, {ints("pads", {1, 1, 1, 1}), ints("strides", {2, 2})}},
        {{2, 16, 7, 7}, {24, 16, 1, 1}, {}},
        {{1, 16, 8, 8}, {16, 1, 3, 3}, {number("group", 16), ints("pads", {1, 1, 1, 1})}},
        {{1, 8, 8, 8}, {16, 1, 3, 3}, {number("group", 8), ints("pads", {1, 1, 1, 1})}},
        {{1, 12, 8, 8}, {6, 4, 3, 3}, {number("group", 3), ints("dilations", {2, 2})}},
        {{1, 5, 9, 9}, {7, 5, 3, 2}, {ints("pads", {0, 1, 2, 0})}},
        {{1, 4, 9, 9}, {4, 4, 2, 2}, {text("auto_pad", "SAME_LOWER"), ints("strides", {2, 2})}},
        {{1, 8, 17}, {8, 8, 3}, {ints("pads", {1, 1})}},
        {{1, 4, 5, 6, 7}, {8, 4, 3, 3, 3}, {ints("pads", {1, 1, 1, 1, 1, 1})}},
        {{1, 16, 9, 9}, {8, 16, 1, 1}, {ints("strides", {2, 2})}},
    };
    for (const ConvCase& conv : cases) {
        GraphMaker maker;
        Value* x = maker.input("x", conv.input);
        maker.output(maker.add("Conv", {x, maker.weights(conv.weights), maker.weights(Shape{conv.weights[0]})}, conv.attributes));
        CAPTURE(conv.input.to_string(), conv.weights.to_string());
        CHECK(relative_difference(maker) < kClose);
        CHECK_FALSE(has_reference_step(maker));
    }
}

TEST_CASE("onednn transposed convolutions equal the reference", "[onednn]") {
    for (const auto& attributes : std::vector<std::vector<Attribute>>{
             {}, {ints("strides", {2, 2})}, {ints("strides", {2, 2}), ints("pads", {1, 1, 1, 1}), ints("output_padding", {1, 1})}}) {
        GraphMaker maker;
        Value* x = maker.input("x", Shape{1, 6, 5, 7});
        maker.output(maker.add("ConvTranspose", {x, maker.weights(Shape{6, 4, 3, 3}), maker.weights(Shape{4})}, attributes));
        CHECK(relative_difference(maker) < kClose);
    }
    GraphMaker grouped;
    Value* x = grouped.input("x", Shape{1, 6, 5, 7});
    grouped.output(grouped.add("ConvTranspose", {x, grouped.weights(Shape{6, 4, 3, 3})}, {number("group", 2), ints("strides", {2, 1})}));
    CHECK(relative_difference(grouped) < kClose);
}

TEST_CASE("onednn runs what follows a convolution inside of it", "[onednn]") {
    const auto conv = [](GraphMaker& maker, Value* x, std::int64_t channels) {
        return maker.add("Conv", {x, maker.weights(Shape{channels, channels, 3, 3}), maker.weights(Shape{channels})},
                         {ints("pads", {1, 1, 1, 1})});
    };
    SECTION("activations") {
        for (const auto& [op, attributes] :
             std::vector<std::pair<std::string, std::vector<Attribute>>>{{"Relu", {}},
                                                                         {"LeakyRelu", {real("alpha", 0.1F)}},
                                                                         {"Sigmoid", {}},
                                                                         {"HardSigmoid", {}},
                                                                         {"HardSwish", {}},
                                                                         {"Tanh", {}},
                                                                         {"Elu", {}}}) {
            GraphMaker maker;
            maker.output(maker.add(op, {conv(maker, maker.input("x", Shape{1, 8, 7, 7}), 8)}, attributes));
            CAPTURE(op);
            CHECK(relative_difference(maker) < kClose);
            CHECK(has_step(maker, "Conv+" + op));
        }
    }
    SECTION("a clip") {
        GraphMaker maker;
        Value* y = conv(maker, maker.input("x", Shape{1, 8, 7, 7}), 8);
        maker.output(maker.add("Clip", {y, maker.constant(Tensor::scalar(0.0F)), maker.constant(Tensor::scalar(6.0F))}));
        CHECK(relative_difference(maker) < kClose);
        CHECK(has_step(maker, "Conv+Clip"));
    }
    SECTION("a residual sum in place, then an activation") {
        GraphMaker maker;
        Value* x = conv(maker, maker.input("x", Shape{1, 16, 7, 7}), 16);
        Value* sum = maker.add("Add", {conv(maker, conv(maker, x, 16), 16), x});
        maker.output(maker.add("Relu", {sum}));
        CHECK(relative_difference(maker) < kClose);
        CHECK(has_step(maker, "Conv+Add+Relu"));
    }
    SECTION("a residual that is read again later stays whole") {
        GraphMaker maker;
        Value* x = conv(maker, maker.input("x", Shape{1, 16, 7, 7}), 16);
        Value* sum = maker.add("Add", {x, conv(maker, x, 16)});
        maker.output(maker.add("Add", {maker.add("Relu", {sum}), x}));
        CHECK(relative_difference(maker) < kClose);
    }
    SECTION("a residual that is the graph's input or output") {
        GraphMaker maker;
        Value* x = maker.input("x", Shape{1, 16, 7, 7});
        Value* y = conv(maker, x, 16);
        maker.output(y);
        maker.output(maker.add("Add", {x, conv(maker, y, 16)}));
        maker.output(maker.add("Add", {y, conv(maker, y, 16)}));
        CHECK(relative_difference(maker) < kClose);
    }
    SECTION("swish, written as a product") {
        GraphMaker maker;
        Value* y = conv(maker, maker.input("x", Shape{1, 8, 7, 7}), 8);
        maker.output(maker.add("Mul", {y, maker.add("Sigmoid", {y})}));
        CHECK(relative_difference(maker) < kClose);
        CHECK(has_step(maker, "Conv+Sigmoid+Mul"));
    }
    SECTION("an activation before the residual") {
        GraphMaker maker;
        Value* x = conv(maker, maker.input("x", Shape{1, 16, 7, 7}), 16);
        maker.output(maker.add("Add", {maker.add("Relu", {conv(maker, x, 16)}), x}));
        CHECK(relative_difference(maker) < kClose);
    }
}

TEST_CASE("onednn products equal the reference", "[onednn]") {
    SECTION("Gemm") {
        for (const std::int64_t transposed : {0, 1}) {
            GraphMaker maker;
            Value* x = maker.input("x", Shape{3, 20});
            Value* w = maker.weights(transposed ? Shape{7, 20} : Shape{20, 7});
            Value* y =
                maker.add("Gemm", {x, w, maker.weights(Shape{7})}, {number("transB", transposed), real("alpha", 0.5F), real("beta", 2.0F)});
            maker.output(maker.add("Relu", {y}));
            CHECK(relative_difference(maker) < kClose);
            CHECK(has_step(maker, "Gemm+Relu"));
        }
    }
    SECTION("MatMul of all ranks") {
        for (const auto& [a, b] : std::vector<std::pair<Shape, Shape>>{{{5, 6}, {6, 7}},
                                                                       {{2, 3, 5, 6}, {6, 7}},
                                                                       {{2, 3, 5, 6}, {2, 3, 6, 7}},
                                                                       {{2, 1, 5, 6}, {1, 3, 6, 7}},
                                                                       {{6}, {6, 7}},
                                                                       {{5, 6}, {6}},
                                                                       {{6}, {6}}}) {
            for (const bool is_known : {false, true}) {
                GraphMaker maker;
                Value* x = maker.input("a", a);
                Value* y = maker.add("MatMul", {x, is_known ? maker.weights(b) : maker.input("b", b)});
                maker.output(y);
                CAPTURE(a.to_string(), b.to_string(), is_known);
                CHECK(relative_difference(maker) < kClose);
            }
        }
    }
    SECTION("MatMul with a bias and a residual") {
        GraphMaker maker;
        Value* x = maker.input("x", Shape{2, 5, 8});
        Value* y = maker.add("Add", {maker.add("MatMul", {x, maker.weights(Shape{8, 8})}), maker.weights(Shape{8})});
        maker.output(maker.add("Add", {y, x}));
        CHECK(relative_difference(maker) < kClose);
    }
}

TEST_CASE("onednn pools, sums and activations equal the reference", "[onednn]") {
    const Shape shape{2, 6, 9, 8};
    struct Case {
        const char* op;
        std::vector<Attribute> attributes;
    };
    const std::vector<Case> cases = {
        {"MaxPool", {ints("kernel_shape", {3, 3}), ints("strides", {2, 2}), ints("pads", {1, 1, 1, 1})}},
        {"MaxPool", {ints("kernel_shape", {3, 3}), ints("strides", {2, 2}), number("ceil_mode", 1)}},
        {"AveragePool", {ints("kernel_shape", {3, 3}), ints("pads", {1, 1, 1, 1})}},
        {"AveragePool", {ints("kernel_shape", {3, 3}), ints("pads", {1, 1, 1, 1}), number("count_include_pad", 1)}},
        {"GlobalAveragePool", {}},
        {"Softmax", {number("axis", 1)}},
        {"LogSoftmax", {number("axis", -1)}},
        {"Relu", {}},
        {"Exp", {}},
        {"Abs", {}},
        {"Neg", {}},
        {"LRN", {number("size", 3)}},
        {"ReduceMean", {ints("axes", {2, 3})}},
        {"ReduceMax", {ints("axes", {1}), number("keepdims", 0)}},
        {"Transpose", {ints("perm", {0, 2, 3, 1})}},
        {"Flatten", {}},
    };
    for (const Case& item : cases)
        for (const bool after_conv : {false, true}) {  // plain or blocked layout
            GraphMaker maker;
            Value* x = maker.input("x", shape);
            if (after_conv) x = maker.add("Conv", {x, maker.weights(Shape{8, 6, 3, 3})}, {ints("pads", {1, 1, 1, 1})});
            maker.output(maker.add(item.op, {x}, item.attributes));
            CAPTURE(item.op, after_conv);
            CHECK(relative_difference(maker) < kClose);
        }
}

TEST_CASE("onednn arithmetic broadcasts as the reference does", "[onednn]") {
    for (const char* op : {"Add", "Sub", "Mul", "Div", "Max"})
        for (const Shape& other : std::vector<Shape>{{1, 16, 5, 4}, {1, 16, 1, 1}, {16, 1, 1}, {1}, {}, {4}, {5, 4}, {1, 1, 5, 4}})
            for (const bool swapped : {false, true}) {
                GraphMaker maker;
                Value* x = maker.add("Conv", {maker.input("x", Shape{1, 16, 5, 4}), maker.weights(Shape{16, 16, 1, 1})});
                Value* y = maker.add("Exp", {maker.input("y", other)});
                x = maker.add("Exp", {maker.add("Tanh", {x})});
                maker.output(swapped ? maker.add(op, {y, x}) : maker.add(op, {x, y}));
                CAPTURE(op, other.to_string(), swapped);
                CHECK(relative_difference(maker) < kClose);
            }
}

TEST_CASE("onednn concatenates and resizes as the reference does", "[onednn]") {
    for (const std::int64_t axis : {0, 1, 2, 3}) {
        GraphMaker maker;
        Value* x = maker.input("x", Shape{1, 8, 5, 4});
        Value* a = maker.add("Conv", {x, maker.weights(Shape{8, 8, 1, 1})});
        Value* b = maker.add("Conv", {x, maker.weights(axis == 1 ? Shape{12, 8, 1, 1} : Shape{8, 8, 1, 1})});
        maker.output(maker.add("Relu", {maker.add("Concat", {a, b, x}, {number("axis", axis)})}));
        CAPTURE(axis);
        CHECK(relative_difference(maker) < kClose);
    }
    for (const auto& [mode, coordinates, nearest] :
         std::vector<std::tuple<const char*, const char*, const char*>>{{"nearest", "asymmetric", "floor"},
                                                                        {"nearest", "half_pixel", "round_prefer_floor"},
                                                                        {"nearest", "asymmetric", "ceil"},
                                                                        {"linear", "half_pixel", "floor"},
                                                                        {"linear", "align_corners", "floor"},
                                                                        {"linear", "asymmetric", "floor"},
                                                                        {"linear", "pytorch_half_pixel", "floor"}})
        for (const float factor : {2.0F, 3.0F, 1.5F}) {
            GraphMaker maker;
            Value* x = maker.input("x", Shape{1, 3, 4, 6});
            const std::vector<float> scales{1.0F, 1.0F, factor, factor};
            Value* y = maker.add("Resize", {x, nullptr, maker.constant(Tensor::from_values(Shape{4}, scales))},
                                 {text("mode", mode), text("coordinate_transformation_mode", coordinates), text("nearest_mode", nearest)});
            maker.output(y);
            CAPTURE(mode, coordinates, nearest, factor);
            CHECK(relative_difference(maker) < kClose);
        }
}

TEST_CASE("a FusedConv is one convolution with its sum and activation", "[onednn]") {
    for (const char* activation : {"", "Relu", "Sigmoid", "LeakyRelu", "Clip"})
        for (const bool sums : {false, true}) {
            GraphMaker maker;
            (*maker.graph().opset_imports())["com.microsoft"] = 1;
            std::vector<Value*> inputs{maker.input("x", Shape{1, 8, 9, 9}), maker.weights(Shape{16, 8, 3, 3}), maker.weights(Shape{16})};
            if (sums) inputs.push_back(maker.input("z", Shape{1, 16, 7, 7}));
            std::vector<Attribute> attributes;
            if (*activation) attributes.push_back(text("activation", activation));
            if (std::string(activation) == "LeakyRelu") attributes.push_back({"activation_params", std::vector<float>{0.1F}, {}});
            if (std::string(activation) == "Clip") attributes.push_back({"activation_params", std::vector<float>{-0.5F, 0.8F}, {}});
            Value* y = maker.add("FusedConv", inputs, attributes, "com.microsoft");
            maker.output(maker.add("Add", {y, maker.weights(Shape{1, 16, 1, 1})}));
            CAPTURE(activation, sums);
            CHECK(relative_difference(maker) < kClose);
            for (const StepInfo& step : steps_of(maker)) CHECK(step.kernel.find("plain:FusedConv") == std::string::npos);
        }
}

TEST_CASE("MatMulNBits multiplies by weights that were dequantized once, a few rows by packed ones", "[onednn]") {
    for (const std::int64_t rows : {1, 2, 3})
        for (const std::int64_t block : {16, 32, 64})
            for (const int extras : {0, 1, 2}) {  // nothing, zero points in codes, in floats and a bias
                const std::int64_t inner = 150, blocks = (inner + block - 1) / block;
                GraphMaker maker;
                Tensor codes(DType::UInt8, Shape{24, blocks, block / 2}), zeros(DType::UInt8, Shape{24 * ((blocks + 1) / 2)});
                for (Tensor* tensor : {&codes, &zeros})
                    for (std::int64_t at = 0; at < tensor->element_count(); ++at)
                        tensor->mutable_data<std::uint8_t>()[at] = static_cast<std::uint8_t>(at * 37 + 11);
                std::vector<Value*> inputs{maker.input("x", Shape{rows, inner}), maker.constant(codes),
                                           maker.weights(Shape{24 * blocks}, 0.1F)};
                if (extras == 1) inputs.push_back(maker.constant(zeros));
                if (extras == 2) inputs.insert(inputs.end(), {maker.weights(Shape{24 * blocks}), nullptr, maker.weights(Shape{24})});
                maker.output(maker.add("MatMulNBits", inputs,
                                       {number("K", inner), number("N", 24), number("bits", 4), number("block_size", block)},
                                       "com.microsoft"));
                CAPTURE(rows, block, extras);
                CHECK(relative_difference(maker) < kClose);
                const auto steps = steps_of(maker);
                REQUIRE(steps.size() == 1);
                CHECK((steps[0].precision == "f32 (weights dequantized)" || steps[0].precision == "f32 (4-bit weights)"));
                if (block == 16 || rows > 2) CHECK(steps[0].precision == "f32 (weights dequantized)");
            }
}

TEST_CASE("transposed convolutions whose patches do not overlap", "[onednn]") {
    for (const bool is_flat : {false, true})
        for (const bool has_bias : {false, true}) {
            CAPTURE(is_flat, has_bias);
            GraphMaker maker;
            Value* x = maker.input("x", is_flat ? Shape{2, 6, 9} : Shape{2, 6, 5, 7});
            std::vector<Value*> inputs{x, maker.weights(is_flat ? Shape{6, 5, 3} : Shape{6, 5, 2, 3})};
            if (has_bias) inputs.push_back(maker.weights(Shape{5}));
            Value* y = maker.add("ConvTranspose", inputs,
                                 {{"strides", is_flat ? std::vector<std::int64_t>{3} : std::vector<std::int64_t>{2, 3}, {}}});
            maker.output(maker.add("Relu", {y}));
            CHECK(relative_difference(maker) < 1e-5);
            CHECK(has_step(maker, "ConvTranspose+Relu"));
            bool is_product = false;
            for (const StepInfo& step : steps_of(maker))
                is_product = is_product || step.kernel.starts_with("brg") || step.kernel.starts_with("gemm");  // "brg:", "brg_matmul:"
            CHECK(is_product);
        }
}

TEST_CASE("convolutions over a column of points", "[onednn]") {
    for (const std::int64_t group : {1, 4})
        for (const bool has_residual : {false, true}) {
            CAPTURE(group, has_residual);
            GraphMaker maker;
            Value* x = maker.input("x", Shape{2, 8, 21, 1});
            Value* y = maker.add("Conv", {x, maker.weights(Shape{8, 8 / group, 5, 1}), maker.weights(Shape{8})},
                                 {{"group", group, {}}, {"pads", std::vector<std::int64_t>{2, 0, 2, 0}, {}}});
            if (has_residual) y = maker.add("Add", {y, x});
            maker.output(maker.add("Relu", {y}));
            CHECK(relative_difference(maker) < 1e-5);
            CHECK_FALSE(has_reference_step(maker));
        }
}

TEST_CASE("several constant factors behind a product", "[onednn]") {
    for (const std::string op : {"MatMul", "Conv"})
        for (const float second : {76.5F, -3.0F}) {
            CAPTURE(op, second);
            GraphMaker maker;
            Value* y = op == "MatMul" ? maker.add(op, {maker.input("x", Shape{3, 32}), maker.weights(Shape{32, 64})})
                                      : maker.add(op, {maker.input("x", Shape{1, 8, 5, 5}), maker.weights(Shape{16, 8, 3, 3})});
            y = maker.add("Mul", {y, maker.constant(Tensor::scalar(0.5F))});
            maker.output(maker.add("Mul", {y, maker.constant(Tensor::scalar(second))}));
            CHECK(relative_difference(maker) < 1e-5);
            CHECK(has_step(maker, op + "+Mul+Mul"));
        }
}

TEST_CASE("one activation twice with other parameters", "[onednn]") {
    for (const std::string op : {"MatMul", "Conv"}) {
        CAPTURE(op);
        GraphMaker maker;
        Value* x = op == "MatMul" ? maker.input("x", Shape{3, 32}) : maker.input("x", Shape{1, 8, 5, 5});
        Value* y = maker.add(op, {x, op == "MatMul" ? maker.weights(Shape{32, 64}) : maker.weights(Shape{16, 8, 3, 3})});
        y = maker.add("LeakyRelu", {y}, {{"alpha", 0.5F, {}}});
        y = maker.add("Mul", {y, maker.constant(Tensor::scalar(0.25F))});
        y = maker.add("LeakyRelu", {y}, {{"alpha", -0.125F, {}}});
        maker.output(maker.add("Mul", {y, maker.constant(Tensor::scalar(8.0F))}));
        CHECK(relative_difference(maker) < 1e-5);
    }
}

TEST_CASE("pictures between convolutions are padded where they lie", "[onednn]") {
    struct Case {
        const char* mode;
        float value;
        std::vector<std::int64_t> pads;
    };
    const Case kCases[] = {{"constant", 0.0F, {0, 0, 0, 2, 0, 0, 1, 3}},  {"constant", -1.5F, {0, 0, 2, 0, 0, 0, 1, 1}},
                           {"constant", -0.0F, {0, 0, 1, 1, 0, 0, 1, 1}}, {"reflect", 0.0F, {0, 0, 3, 1, 0, 0, 2, 4}},
                           {"edge", 0.0F, {0, 0, 3, 1, 0, 0, 2, 9}},      {"wrap", 0.0F, {0, 0, 3, 1, 0, 0, 2, 4}}};
    for (const Case& c : kCases)
        for (const std::int64_t batch : {1, 3}) {
            GraphMaker maker(19);
            Value* y = maker.add("Conv", {maker.input("x", Shape{batch, 5, 9, 7}), maker.weights(Shape{20, 5, 1, 1})});
            y = maker.add("Pad", {y, maker.constant(Tensor::from_values(Shape{8}, c.pads)), maker.constant(Tensor::scalar(c.value))},
                          {{"mode", std::string(c.mode), {}}});
            maker.output(maker.add("Conv", {y, maker.weights(Shape{20, 1, 3, 3})}, {{"group", std::int64_t{20}, {}}}));
            CAPTURE(c.mode, c.value, batch);
            CHECK(relative_difference(maker) < 1e-5);
            for (const StepInfo& step : steps_of(maker))
                if (step.op == "Pad") CHECK(step.kernel == "native:pad");
        }
}

TEST_CASE("paddings of samples or channels, and crops, stay on the plain kernel", "[onednn]") {
    const std::vector<std::vector<std::int64_t>> kPads{{0, 1, 0, 0, 0, 0, 1, 1}, {0, 0, -1, 1, 0, 0, 1, 1}, {1, 0, 1, 1, 0, 0, 1, 1}};
    for (const auto& pads : kPads) {
        GraphMaker maker;
        Value* y = maker.add("Conv", {maker.input("x", Shape{1, 5, 9, 7}), maker.weights(Shape{20, 5, 1, 1})});
        maker.output(maker.add("Pad", {y, maker.constant(Tensor::from_values(Shape{8}, pads))}));
        CHECK(relative_difference(maker) < 1e-5);
        for (const StepInfo& step : steps_of(maker))
            if (step.op == "Pad") CHECK(step.kernel == "plain:Pad");
    }
}
