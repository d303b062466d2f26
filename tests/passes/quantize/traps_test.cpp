// Defects of other tools that docs/traps.md lists, on small graphs.
#include <algorithm>

#include "catch.h"
#include "fixtures/random_tensors.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "passes/equivalence.h"
#include "passes/pipelines.h"
#include "passes/quantize/qdq_pair.h"
#include "passes/quantize/quantization_plan.h"
#include "passes/quantize/quantized_view.h"
#include "quant/target.h"

using namespace mcompress;
using namespace mcompress::testing;

namespace {

using Constants = std::vector<std::pair<std::string, Tensor>>;

std::unique_ptr<Model> model_of(const std::string& body, const Constants& constants, int opset = 13) {
    auto model = parse_model("<ir_version: 8, opset_import: [\"\" : " + std::to_string(opset) + "]>\n" + body);
    for (const auto& [name, tensor] : constants) {
        Value* input = model->graph->find_value(name);
        Value* constant = model->graph->add_constant(name + "_value", tensor);
        model->graph->replace_all_uses(input, constant);
        model->graph->erase(input);
        model->graph->rename(constant, name);
    }
    infer_types(*model->graph);
    return model;
}

/// Statistics of everything the scheme observes, from one run on random inputs.
CalibrationTable calibrated(const Graph& graph, const QuantizationScheme& scheme) {
    CalibrationTable table;
    table.samples = 1;
    for (const ObservedValue& observed : plan_quantization(graph, scheme).observed) {
        const float values[] = {-4.0f, 4.0f};
        table.values[observed.value->name()].add_sample(values);
    }
    return table;
}

void quantize(Graph& graph, const QuantizationScheme& scheme = {}) {
    const CalibrationTable table = calibrated(graph, scheme);
    run_pipeline("quantize", graph, {reference_evaluator(), scheme, &table});
}

bool is_quantized(const Graph& graph, const char* name) {
    const Value* value = graph.find_value(name);
    REQUIRE(value);
    return find_transparent(graph, value, "QuantizeLinear") != nullptr || find_transparent(graph, value, "DequantizeLinear") != nullptr;
}

std::size_t count(const Graph& graph, std::string_view op) {
    const auto nodes = graph.nodes();
    return static_cast<std::size_t>(std::count_if(nodes.begin(), nodes.end(), [&](const Node* node) { return node->op_type() == op; }));
}

Tensor matrix(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
    return random_tensor(DType::Float32, Shape{rows, columns}, seed, {-1.0, 1.0});
}

}  // namespace

TEST_CASE("trap 9: a weight that two operators read is stored once", "[quantize]") {
    const auto model = model_of(R"(g (float[2,4] x, float[2,4] z, float[4,4] w) => (float[2,4] y) {
        a = MatMul (x, w)  b = MatMul (z, w)  c = Relu (a)  d = MatMul (c, w)  e = Sigmoid (b)  f = Sigmoid (d)  y = Add (e, f) })",
                                {{"w", matrix(4, 4, 1)}});
    quantize(*model->graph);
    const auto constants = model->graph->constants();
    const auto of_weight =
        std::count_if(constants.begin(), constants.end(), [](const Value* each) { return each->constant()->element_count() == 16; });
    CHECK(of_weight == 1);
    CHECK(model->graph->find_value("w_q")->constant()->dtype() == DType::Int8);
    CHECK(model->graph->find_value("w_q")->uses().size() == 1);
    CHECK(model->graph->find_value("w_dq")->uses().size() == 3);
}

TEST_CASE("trap 12: indices and shapes are never quantized, however they come about", "[quantize]") {
    const auto model = model_of(R"(g (float[2,4] x, int64[3] ids, float[4,4] w, float[4,4] v) => (float[3,4] y) {
        a = MatMul (x, w)
        shape = Shape (a)
        floats = Cast <to = 1> (shape)
        half = Mul (floats, floats)
        back = Cast <to = 7> (half)
        root = Cast <to = 7> (floats)
        r = Reshape (a, root)
        rows = Gather <axis = 0> (r, ids)
        y = MatMul (rows, v)
        unused = Identity (back)
    })",
                                {{"w", matrix(4, 4, 1)}, {"v", matrix(4, 4, 2)}});
    quantize(*model->graph);
    CHECK(is_quantized(*model->graph, "a"));
    CHECK(is_quantized(*model->graph, "rows"));  // Gather moves codes
    for (const char* name : {"ids", "shape", "floats", "root"}) {
        INFO(name);
        CHECK_FALSE(is_quantized(*model->graph, name));
    }
    for (const Node* node : model->graph->nodes())
        if (is_quantizer(*node)) CHECK(node->input(0)->type().dtype == DType::Float32);
}

TEST_CASE("trap 12: an attention mask, what is added to it and its Softmax stay float", "[quantize]") {
    const Tensor one = Tensor::scalar(1.0f), large = Tensor::scalar(-10000.0f);
    const auto model = model_of(
        R"(g (float[1,4,8] x, float[1,1,4] mask, float[8,8] wq, float[8,8] wk, float[8,8] wv, float[8,8] wo, float one, float large)
        => (float[1,4,8] y) {
        q = MatMul (x, wq)  k = MatMul (x, wk)  v = MatMul (x, wv)
        kt = Transpose <perm = [0, 2, 1]> (k)
        scores = MatMul (q, kt)
        away = Sub (one, mask)
        bias = Mul (away, large)
        masked = Add (scores, bias)
        p = Softmax <axis = -1> (masked)
        c = MatMul (p, v)
        o = MatMul (c, wo)
        y = Sigmoid (o)
    })",
        {{"wq", matrix(8, 8, 1)},
         {"wk", matrix(8, 8, 2)},
         {"wv", matrix(8, 8, 3)},
         {"wo", matrix(8, 8, 4)},
         {"one", one},
         {"large", large}});
    for (const Target& target : all_targets()) {
        INFO(target.name);
        const QuantizationPlan plan = plan_quantization(*model->graph, scheme_for(target));
        for (const ObservedValue& observed : plan.observed)
            for (const char* name : {"mask", "away", "bias", "masked", "scores", "p"}) CHECK(observed.value->name() != name);
    }
    quantize(*model->graph);
    CHECK(is_quantized(*model->graph, "x"));
    CHECK(is_quantized(*model->graph, "c"));
    for (const char* name : {"mask", "away", "bias", "masked", "scores", "p"}) {
        INFO(name);
        CHECK_FALSE(is_quantized(*model->graph, name));
    }
}

TEST_CASE("trap 13: a result that is a graph output is given as a float on every target", "[quantize]") {
    const char* const text = R"(g (float[1,4,4,4] x, float[4,4,1,1] w) => (float[1,4,4,4] c, float[1,4,4,4] y, float[1,4,16] r) {
        s = Constant <value_ints = [1, 4, 16]> ()  c = Conv (x, w)  d = Conv (c, w)  y = Add (c, d)  r = Reshape (d, s) })";
    for (const Target& target : all_targets()) {
        INFO(target.name);
        const auto model = model_of(text, {{"w", random_tensor(DType::Float32, Shape{4, 4, 1, 1}, 1, {-1.0, 1.0})}});
        QuantizationScheme scheme = scheme_for(target);
        keep_unfused_in_float(*model->graph, scheme);
        quantize(*model->graph, scheme);
        for (const Value* output : model->graph->outputs()) {
            CHECK(output->type().dtype == DType::Float32);
            CHECK_FALSE(is_dequantizer(*output->producer()));
        }
    }
}

TEST_CASE("trap 29: along a chain of residual additions every value keeps its own range", "[quantize]") {
    const auto model = model_of(R"(g (float[1,4,4,4] x, float[4,4,1,1] w) => (float[1,4,4,4] y) {
        a = Conv (x, w)  b = Add (a, x)  c = Conv (b, w)  d = Add (c, b)  e = Conv (d, w)  f = Add (e, d)  h = Conv (f, w)  y = Sigmoid (h) })",
                                {{"w", random_tensor(DType::Float32, Shape{4, 4, 1, 1}, 1, {-1.0, 1.0})}});
    CalibrationTable table;
    table.samples = 1;
    float width = 1.0f;
    const std::vector<const char*> chain{"x", "a", "b", "c", "d", "e", "f", "h"};
    for (const char* name : chain) {
        const float values[] = {0.0f, width};
        table.values[name].add_sample(values);
        width *= 4.0f;
    }
    run_pipeline("quantize", *model->graph, {reference_evaluator(), {}, &table});
    width = 1.0f;
    for (const char* name : chain) {
        INFO(name);
        const auto pair = pair_of(model->graph->find_value(name));
        REQUIRE(pair);
        CHECK(params_of(*pair->quantize)->scale == static_cast<float>(static_cast<double>(width) / 255.0));
        width *= 4.0f;
    }
    CHECK(count(*model->graph, "QuantizeLinear") == chain.size());
}

TEST_CASE("trap 30: depthwise filters keep a scale each on every target", "[quantize]") {
    for (const Target& target : all_targets()) {
        INFO(target.name);
        const auto model =
            model_of("g (float[1,4,4,4] x, float[4,1,1,1] w) => (float[1,4,4,4] y) { c = Conv <group = 4> (x, w)  y = Sigmoid (c) }",
                     {{"w", Tensor::from_values<float>({4, 1, 1, 1}, {0.001f, 1.0f, -30.0f, 0.2f})}});
        quantize(*model->graph, scheme_for(target));
        CHECK(model->graph->find_value("w_s")->constant()->element_count() == 4);
        for (const std::int8_t code : model->graph->find_value("w_q")->constant()->values<std::int8_t>()) CHECK(std::abs(code) == 127);
    }
}
