// Attention and what ONNX Runtime's optimizers fuse in transformers: on the oneDNN engine as on the reference engine.
#include <algorithm>
#include <random>

#include "catch.h"
#include "engine_pair.h"

using namespace mcompress;

namespace {

constexpr const char* kMicrosoft = "com.microsoft";

Attribute integer(const std::string& name, std::int64_t value) { return {name, value, {}}; }

template <typename T> Value* numbers(GraphMaker& maker, const Shape& shape, int lowest, int highest) {
    std::mt19937 random(7);
    std::vector<T> values(static_cast<std::size_t>(shape.element_count()));
    for (T& value : values) value = static_cast<T>(lowest + static_cast<int>(random() % static_cast<unsigned>(highest - lowest + 1)));
    return maker.constant(Tensor::from_values(shape, values));
}

}  // namespace

TEST_CASE("projected attention, with masks, causal and with a past", "[onednn]") {
    for (const bool causal : {false, true})
        for (const int masking : {0, 1, 2})
            for (const bool has_past : {false, true}) {
                GraphMaker maker;
                Value* x = maker.input("x", Shape{2, 70, 48});
                Value* mask = nullptr;
                const std::int64_t keys = has_past ? 75 : 70;
                if (masking == 1) mask = numbers<std::int32_t>(maker, Shape{2, keys}, 0, 1);
                if (masking == 2) mask = numbers<std::int32_t>(maker, Shape{2}, 1, 70);
                std::vector<Value*> inputs{x, maker.weights(Shape{48, 144}, 0.2F), maker.weights(Shape{144}), mask};
                if (has_past) inputs.push_back(maker.input("past", Shape{2, 2, 4, 5, 12}));
                Node* node = maker.graph().add_node({.op_type = "Attention",
                                                     .inputs = inputs,
                                                     .attributes = {integer("num_heads", 4), integer("unidirectional", causal ? 1 : 0)},
                                                     .domain = kMicrosoft,
                                                     .outputs = std::vector<std::string>(has_past ? 2 : 1)});
                maker.output(node->output(0));
                if (has_past) maker.output(node->output(1));
                INFO("causal " << causal << ", mask " << masking << ", past " << has_past);
                CHECK(relative_difference(maker) < 2e-5);
            }
}

TEST_CASE("attention of separate queries, keys and values with a bias", "[onednn]") {
    GraphMaker maker;
    Value* q = maker.input("q", Shape{2, 70, 32});
    Value* k = maker.input("k", Shape{2, 130, 32});
    Value* v = maker.input("v", Shape{2, 130, 48});
    maker.output(maker.add("MultiHeadAttention", {q, k, v, maker.weights(Shape{112}), nullptr, maker.weights(Shape{1, 4, 70, 130})},
                           {integer("num_heads", 4)}, kMicrosoft));
    CHECK(relative_difference(maker) < 2e-5);
}

TEST_CASE("grouped queries over a prompt and one step", "[onednn]") {
    for (const std::int64_t steps : {70, 1}) {
        GraphMaker maker;
        Value* q = maker.input("q", Shape{2, steps, 64});
        Value* k = maker.input("k", Shape{2, steps, 32});
        Value* v = maker.input("v", Shape{2, steps, 32});
        const std::int64_t past = steps == 1 ? 40 : 0, longest = past + steps;
        const std::vector<std::int32_t> lengths{static_cast<std::int32_t>(longest - 1), static_cast<std::int32_t>(longest - 1 - past / 4)};
        maker.output(maker.add("GroupQueryAttention",
                               {q, k, v, maker.input("past_key", Shape{2, 2, past, 16}), maker.input("past_value", Shape{2, 2, past, 16}),
                                maker.constant(Tensor::from_values(Shape{2}, lengths)),
                                maker.constant(Tensor::scalar(static_cast<std::int32_t>(longest)))},
                               {integer("num_heads", 4), integer("kv_num_heads", 2)}, kMicrosoft));
        INFO(steps << " steps");
        CHECK(relative_difference(maker) < 2e-5);
    }
}

TEST_CASE("one step of many heads that share keys, with a long past, a bias, a window and scores", "[onednn]") {
    for (const std::int64_t heads : {12, 140})  // more than a block of rows
        for (const bool has_window : {false, true}) {
            GraphMaker maker;
            constexpr std::int64_t kSize = 32, kPast = 700;
            Value* packed = maker.input("packed", Shape{2, 1, (heads + 4) * kSize});
            const std::vector<std::int32_t> lengths{kPast, kPast / 2};
            std::vector<Attribute> attributes{integer("num_heads", heads), integer("kv_num_heads", 2), integer("qk_output", 2)};
            if (has_window) attributes.push_back(integer("local_window_size", 100));
            Node* node = maker.graph().add_node(
                {.op_type = "GroupQueryAttention",
                 .inputs = {packed, nullptr, nullptr, maker.input("past_key", Shape{2, 2, kPast, kSize}),
                            maker.input("past_value", Shape{2, 2, kPast, kSize}), maker.constant(Tensor::from_values(Shape{2}, lengths)),
                            maker.constant(Tensor::scalar(static_cast<std::int32_t>(kPast + 1))), nullptr, nullptr, nullptr,
                            maker.weights(Shape{1, heads, 1, kPast + 1})},
                 .attributes = attributes,
                 .domain = kMicrosoft,
                 .outputs = std::vector<std::string>(4)});
            for (int output = 0; output < 4; ++output) maker.output(node->output(output));
            INFO(heads << " heads, window " << has_window);
            CHECK(relative_difference(maker) < 2e-5);
        }
}

TEST_CASE("attention of ai.onnx with queries that attend to nothing", "[onednn]") {
    for (const bool causal : {false, true}) {
        GraphMaker maker(23);
        Value* q = maker.input("q", Shape{2, 4, 70, 16});
        Value* k = maker.input("k", Shape{2, 2, 90, 16});
        Value* v = maker.input("v", Shape{2, 2, 90, 24});
        Tensor mask(DType::Bool, Shape{70, 90});
        for (std::int64_t at = 0; at < mask.element_count(); ++at) mask.mutable_data<bool>()[at] = at / 90 != 3 && at % 7 != 2;
        maker.output(maker.add("Attention", {q, k, v, maker.constant(mask)}, {integer("is_causal", causal ? 1 : 0)}));
        CHECK(relative_difference(maker) < 2e-5);
    }
}

TEST_CASE("products of codes on plain kernels are exact", "[onednn][int8]") {
    for (const DType a : {DType::UInt8, DType::Int8})
        for (const DType b : {DType::UInt8, DType::Int8})
            for (const std::int64_t rows : {1, 37}) {
                GraphMaker maker;
                Value* x = maker.input("x", Shape{3, rows, 65}, a);
                Value* w = maker.input("w", Shape{65, 50}, b);
                const auto zero = [&](DType dtype, int value) {
                    return maker.constant(dtype == DType::UInt8 ? Tensor::scalar(static_cast<std::uint8_t>(value + 128))
                                                                : Tensor::scalar(static_cast<std::int8_t>(value)));
                };
                maker.output(maker.add("MatMulInteger", {x, w, zero(a, 9), zero(b, -20)}));
                CHECK(code_difference(maker) == 0);
            }
}

TEST_CASE("GELU of a product with its bias is part of the product", "[onednn]") {
    for (const char* type : {"BiasGelu", "FastGelu"}) {
        GraphMaker maker;
        Value* x = maker.input("x", Shape{2, 9, 40});
        maker.output(
            maker.add(type, {maker.add("MatMul", {x, maker.weights(Shape{40, 56}, 0.2F)}), maker.weights(Shape{56})}, {}, kMicrosoft));
        CHECK(relative_difference(maker) < 1e-5);
        CHECK(has_step(maker, std::string("MatMul+") + type));
    }
}

TEST_CASE("fused activations and normalizations of transformers", "[onednn]") {
    const Shape shape{2, 9, 40};
    for (const char* type : {"Gelu", "QuickGelu", "FastGelu", "BiasGelu"}) {
        GraphMaker maker;
        std::vector<Value*> inputs{maker.input("x", shape)};
        if (std::string(type) == "BiasGelu") inputs.push_back(maker.weights(Shape{40}));
        maker.output(maker.add(type, inputs, {}, kMicrosoft));
        INFO(type);
        CHECK(relative_difference(maker) < 1e-5);
        for (const StepInfo& step : steps_of(maker)) CHECK_FALSE(step.kernel.starts_with("plain"));
    }
    for (const bool has_bias : {false, true}) {
        GraphMaker maker;
        std::vector<Value*> inputs{maker.input("x", shape), maker.input("skip", shape), maker.weights(Shape{40}), maker.weights(Shape{40})};
        if (has_bias) inputs.push_back(maker.weights(Shape{40}));
        Node* node = maker.graph().add_node({.op_type = "SkipLayerNormalization",
                                             .inputs = inputs,
                                             .attributes = {{"epsilon", 1e-5F, {}}},
                                             .domain = kMicrosoft,
                                             .outputs = std::vector<std::string>(4)});
        maker.output(node->output(0));
        maker.output(node->output(3));
        CHECK(relative_difference(maker) < 1e-5);
        for (const StepInfo& step : steps_of(maker)) CHECK_FALSE(step.kernel.starts_with("plain"));
    }
}
