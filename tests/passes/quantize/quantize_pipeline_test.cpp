// The quantize pipeline on small graphs: the defects of other tools that docs/quantization.md rules out, and the errors.
#include <algorithm>
#include <cmath>
#include <limits>

#include "catch.h"
#include "fixtures/random_tensors.h"
#include "ir/fingerprint.h"
#include "onnx/text.h"
#include "ops/attributes.h"
#include "passes/equivalence.h"
#include "passes/pipelines.h"
#include "passes/quantize/fusable_groups.h"
#include "passes/quantize/qdq_pair.h"
#include "passes/quantize/quantization_plan.h"
#include "passes/quantize/weight_codes.h"
#include "support/error.h"

using namespace mcompress;
using namespace mcompress::testing;

namespace {

Tensor ramp(Shape shape, float low, float high) {
    Tensor tensor(DType::Float32, shape);
    const auto count = static_cast<float>(std::max<std::int64_t>(tensor.element_count() - 1, 1));
    // Neighbours are far apart, so that no two channels look alike.
    for (std::int64_t at = 0; at < tensor.element_count(); ++at)
        tensor.mutable_data<float>()[at] = low + (high - low) * static_cast<float>(at * 7 % (tensor.element_count() + 1)) / (count + 1.0f);
    return tensor;
}

/// Parses "g (...) => (...) {...}" at opset 13 and turns the named Constant placeholders into initializers.
std::unique_ptr<Model> model_of(const std::string& body, const std::vector<std::pair<std::string, Tensor>>& constants, int opset = 13) {
    std::string text = "<ir_version: 8, opset_import: [\"\" : " + std::to_string(opset) + "]>\n" + body;
    std::string placeholders;
    for (const auto& [name, tensor] : constants) placeholders += " " + name + " = Constant <value_int = 0> ()\n";
    text.insert(text.find('{', text.find("=>")) + 1, "\n" + placeholders);
    auto model = parse_model(text);
    for (const auto& [name, tensor] : constants) {
        Value* placeholder = model->graph->find_value(name);
        Value* value = model->graph->add_constant("placeholder", tensor);
        model->graph->replace_all_uses(placeholder, value);
        model->graph->erase(placeholder->producer());
        model->graph->rename(value, name);
    }
    return model;
}

CalibrationTable table_of(const std::vector<std::pair<std::string, std::pair<float, float>>>& ranges) {
    CalibrationTable table;
    table.samples = 1;
    for (const auto& [name, range] : ranges) {
        const float values[] = {range.first, range.second};
        table.values[name].add_sample(values);
    }
    return table;
}

std::vector<PassRun> quantize(Graph& graph, const CalibrationTable& table, QuantizationScheme scheme = {}) {
    return run_pipeline("quantize", graph, {reference_evaluator(), std::move(scheme), &table});
}

const char* const kResidual = R"(g (float[1,4,4,4] x) => (float[1,2] y)
{
  c = Conv (x, w, b)
  r = Clip (c, low, high)
  d = Conv <group = 4> (r, dw)
  s = Add (d, x)
  t = Relu (s)
  p = GlobalAveragePool (t)
  f = Flatten (p)
  y = Gemm (f, m, n)
})";

std::unique_ptr<Model> residual_model() {
    return model_of(kResidual, {{"w", ramp({4, 4, 1, 1}, -1.0f, 1.0f)},
                                {"b", ramp({4}, -0.5f, 0.5f)},
                                {"low", Tensor::scalar(0.0f)},
                                {"high", Tensor::scalar(6.0f)},
                                {"dw", ramp({4, 1, 1, 1}, 0.01f, 2.0f)},
                                {"m", ramp({4, 2}, -1.0f, 1.0f)},
                                {"n", ramp({2}, -1.0f, 1.0f)}});
}

CalibrationTable residual_table() {
    return table_of({{"x", {-2.0f, 2.0f}}, {"r", {0.0f, 6.0f}}, {"d", {0.0f, 12.0f}}, {"t", {0.0f, 14.0f}}, {"p", {0.0f, 14.0f}}});
}

}  // namespace

TEST_CASE("a residual network is quantized whole and close to float", "[quantize]") {
    const auto before = residual_model();
    const auto after = residual_model();
    const auto runs = quantize(*after->graph, residual_table());
    for (const PassRun& run : runs) CHECK(run.result.skipped.empty());
    CHECK(find_unfused_groups(*after->graph, find_target(kDefaultTarget)).empty());
    const InputsByName inputs{{"x", random_inputs(*before->graph, 1).at(0)}};
    CHECK(difference(run_reference(*before->graph, inputs), run_reference(*after->graph, inputs), 0.05) == "");
}

TEST_CASE("trap 8: nothing is left of a Relu that went, and no constant is unused", "[quantize]") {
    const auto model = residual_model();
    quantize(*model->graph, residual_table());
    for (const Node* node : model->graph->nodes()) CHECK_FALSE((node->is("Clip") || node->is("Relu")));
    for (const Value* constant : model->graph->constants()) {
        INFO(constant->name());
        CHECK_FALSE(constant->is_unused());
    }
}

TEST_CASE("trap 11: bounds of a Clip are no weights", "[quantize]") {
    const auto model = residual_model();
    const CalibrationTable table = residual_table();
    PassManager manager;
    for (const char* pass : {"quantize-activations", "share-params", "quantize-weights", "quantize-biases"})
        manager.add(find_pass(pass).make({reference_evaluator(), {}, &table}));
    manager.run_once(*model->graph);
    REQUIRE(model->graph->find_value("low"));
    CHECK(model->graph->find_value("low")->constant()->dtype() == DType::Float32);
    CHECK(model->graph->find_value("high")->constant()->dtype() == DType::Float32);
}

TEST_CASE("trap 13: graph outputs stay what they were", "[quantize]") {
    const auto model = residual_model();
    quantize(*model->graph, residual_table());
    const Value* output = model->graph->outputs()[0];
    CHECK(output->name() == "y");
    CHECK(output->producer()->is("Gemm"));
}

TEST_CASE("trap 7: the result does not depend on anything but graph, table and scheme", "[quantize]") {
    const auto first = residual_model();
    const auto second = residual_model();
    quantize(*first->graph, residual_table());
    quantize(*second->graph, residual_table());
    CHECK(fingerprint(*first) == fingerprint(*second));
}

TEST_CASE("trap 23: no statistic clips a mask that a Softmax reads", "[quantize]") {
    // c holds logits of which a few are masked; what the Softmax reads is also what the next convolution reads.
    const char* const kBody = R"(g (float[1,4,4,4] x, float[1,4,4,4] mask) => (float[1,4,4,4] y, float[1,4,4,4] z)
    {
      c = Conv (x, w)
      m = Add (c, mask)
      t = Transpose <perm = [0,2,3,1]> (m)
      y = Softmax (t)
      z = Conv (m, w)
    })";
    const auto high_end = [&](const char* softmax) {
        std::string body = kBody;
        body.replace(body.find("Softmax"), 7, softmax);
        const auto model = model_of(body, {{"w", ramp({4, 4, 1, 1}, -1.0f, 1.0f)}});
        CalibrationTable table =
            table_of({{"x", {-2.0f, 2.0f}}, {"c", {-3.0f, 3.0f}}, {"mask", {-10000.0f, 0.0f}}, {"m", {-10000.0f, 3.0f}}});
        std::vector<float> logits(100'000, 0.5f);
        for (const char* name : {"mask", "m"}) {
            table.values[name].add_sample(logits);
            table.values[name].add_sample(logits);
        }
        QuantizationScheme scheme;
        scheme.range_method = "percentile:99";
        quantize(*model->graph, table, scheme);
        return model->graph->find_value("m_s")->constant()->data<float>()[0];
    };
    CHECK(high_end("Softmax") == Approx(10003.0f / 255.0f));
    CHECK(high_end("Sigmoid") < 1.0f);  // nothing else is spared
}

TEST_CASE("a value that never changed is named", "[quantize]") {
    const auto model = residual_model();
    CalibrationTable table = residual_table();
    table.values["p"] = {};
    table.values["p"].add_sample(std::vector<float>{2.5f, 2.5f});
    std::string reason;
    for (const PassRun& run : quantize(*model->graph, table))
        for (const Skip& skip : run.result.skipped)
            if (skip.node == "p") reason = skip.reason;
    CHECK(reason == "all its values were 2.5 in the calibration data");
}

TEST_CASE("trap 29: operands of a residual Add keep scales of their own", "[quantize]") {
    const auto model = residual_model();
    quantize(*model->graph, residual_table());
    const Node* add = nullptr;
    for (const Node* node : model->graph->nodes())
        if (node->is("Add")) add = node;
    REQUIRE(add);
    const auto a = params_of(*pair_behind(add->input(1))->dequantize);  // the layer's, which comes second
    const auto b = params_of(*pair_behind(add->input(0))->dequantize);
    CHECK(a->scale == static_cast<float>(12.0 / 255.0));
    CHECK(b->scale == static_cast<float>(4.0 / 255.0));
}

TEST_CASE("trap 30: depthwise filters have a scale each, over the full range", "[quantize]") {
    const auto model = residual_model();
    quantize(*model->graph, residual_table());
    const Tensor* codes = model->graph->find_value("dw_q")->constant();
    CHECK(model->graph->find_value("dw_s")->constant()->element_count() == 4);
    for (const std::int8_t code : codes->values<std::int8_t>()) CHECK(std::abs(code) == 127);
}

TEST_CASE("a missing bias stays missing, a zero bias is quantized", "[quantize]") {
    const auto model = model_of("g (float[1,1,2,2] x) => (float[1,1,2,2] y, float[1,1,2,2] z) { y = Conv (x, w) z = Conv (x, w, b) }",
                                {{"w", Tensor::from_values<float>({1, 1, 1, 1}, {2.0f})}, {"b", Tensor::from_values<float>({1}, {0.0f})}});
    quantize(*model->graph, table_of({{"x", {0.0f, 1.0f}}}));
    CHECK(model->graph->outputs()[0]->producer()->input_count() == 2);
    CHECK(model->graph->find_value("b_q")->constant()->values<std::int32_t>()[0] == 0);
}

TEST_CASE("no pair of codes can saturate 16 bits", "[quantize]") {
    for (const Shape& shape : {Shape{8, 16, 1, 1}, Shape{5, 3, 3, 3}, Shape{4, 6, 3, 1}}) {
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            const Tensor weight = random_tensor(DType::Float32, shape, seed, {-1.0, 2.0});
            const QuantizedWeight quantized = quantize_weight(weight, 0, SummationOrder{}, SumWidth::SixteenBitPairs, DType::Int8, "w");
            const std::int8_t* codes = quantized.codes.data<std::int8_t>();
            const std::int64_t channels = shape[1], pixels = shape[2] * shape[3];
            for (std::int64_t m = 0; m < shape[0]; ++m)
                for (std::int64_t pixel = 0; pixel < pixels; ++pixel)
                    for (std::int64_t c = 0; c + 1 < channels; c += 2) {
                        const std::int64_t at = (m * channels + c) * pixels + pixel;
                        REQUIRE(std::abs(codes[at] + codes[at + pixels]) <= 128);
                    }
        }
    }
}

TEST_CASE("pairs are looked for across pixels where channels are no multiple of 4", "[quantize]") {
    // Three channels of two pixels: the walk is c0 c1 | c2 c0' | c1' c2'; the pair (c2, c0') reaches 2.
    const Tensor weight = Tensor::from_values<float>({1, 3, 1, 2}, {0.0f, 1.0f, 0.0f, 0.0f, 1.0f, 0.0f});
    const auto codes_of = [&](SumWidth sums) {
        const QuantizedWeight quantized = quantize_weight(weight, 0, SummationOrder{}, sums, DType::Int8, "w");
        const std::span<const std::int8_t> codes = quantized.codes.values<std::int8_t>();
        return std::pair<int, int>(codes[1], codes[4]);
    };
    CHECK(codes_of(SumWidth::ThirtyTwoBit) == std::pair<int, int>(127, 127));
    CHECK(codes_of(SumWidth::SixteenBitPairs) == std::pair<int, int>(64, 64));
}

TEST_CASE("trap 26: an unknown name to exclude is refused with the nearest one", "[quantize]") {
    const auto model = residual_model();
    QuantizationScheme scheme;
    scheme.exclude = {"cc"};
    try {
        plan_quantization(*model->graph, scheme);
        FAIL("not refused");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::Usage);
        CHECK(std::string(error.what()).find("'cc'") != std::string::npos);
    }
}

TEST_CASE("missing and unusable statistics are errors that name the value", "[quantize]") {
    const auto fails_with = [](const CalibrationTable& table, const ErrorCode& code, const std::string& name) {
        const auto model = residual_model();
        try {
            quantize(*model->graph, table);
            FAIL_CHECK("not refused");
        } catch (const Error& error) {
            CHECK(std::string(error.code().id) == code.id);
            CHECK(std::string(error.what()).find("'" + name + "'") != std::string::npos);
        }
    };
    CalibrationTable table = residual_table();
    table.values.erase("d");
    fails_with(table, codes::kTableMismatch, "d");

    const float poisoned[] = {1.0f, std::numeric_limits<float>::quiet_NaN()};
    table.values["d"].add_sample(poisoned);
    fails_with(table, codes::kDataNotFinite, "d");

    table.values["d"] = {};
    fails_with(table, codes::kDataNotFinite, "d");
}

TEST_CASE("a weight that is not finite is an error that names it", "[quantize]") {
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
        const auto model = model_of("g (float[1,1,2,2] x) => (float[1,1,2,2] y) { y = Conv (x, w) }",
                                    {{"w", Tensor::from_values<float>({1, 1, 1, 1}, {bad})}});
        try {
            quantize(*model->graph, table_of({{"x", {0.0f, 1.0f}}}));
            FAIL_CHECK("not refused");
        } catch (const Error& error) {
            CHECK(std::string(error.code().id) == codes::kNotFinite.id);
            CHECK(std::string(error.what()).find("'w'") != std::string::npos);
        }
    }
}

TEST_CASE("per-channel weights below opset 13 are refused", "[quantize]") {
    const auto model = model_of("g (float[1,1,2,2] x) => (float[1,1,2,2] y) { y = Conv (x, w) }",
                                {{"w", Tensor::from_values<float>({1, 1, 1, 1}, {1.0f})}}, 12);
    CHECK_THROWS_AS(quantize(*model->graph, table_of({{"x", {0.0f, 1.0f}}})), Error);
    QuantizationScheme per_tensor;
    per_tensor.weight_granularity = Granularity::PerTensor;
    CHECK_NOTHROW(quantize(*model->graph, table_of({{"x", {0.0f, 1.0f}}}), per_tensor));
}

TEST_CASE("observed values are the same before and after quantization", "[quantize]") {
    const auto model = residual_model();
    const QuantizationPlan before = plan_quantization(*model->graph, {});
    quantize(*model->graph, residual_table());
    const QuantizationPlan after = plan_quantization(*model->graph, {});
    CHECK(before.observed.size() == after.observed.size());
    CHECK(before.units.size() == after.units.size());
    CHECK(before.carriers.size() == after.carriers.size());
}

TEST_CASE("groups that ONNX Runtime would compute in float are named", "[quantize]") {
    const auto model = model_of("g (float[1,1,2,2] x) => (float[1,1,2,2] c, float[1,1,2,2] y) { c = Conv (x, w) y = Conv (c, w) }",
                                {{"w", Tensor::from_values<float>({1, 1, 1, 1}, {1.0f})}});
    quantize(*model->graph, table_of({{"x", {0.0f, 1.0f}}, {"c", {0.0f, 1.0f}}}));
    const std::vector<Skip> unfused = find_unfused_groups(*model->graph, find_target(kDefaultTarget));
    REQUIRE(unfused.size() == 2);
    CHECK(unfused[0].node == "c");
    CHECK(unfused[0].reason == "its result is a graph output");
    CHECK(unfused[1].node == "y");
}
