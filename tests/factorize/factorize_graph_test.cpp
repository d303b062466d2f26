// Layers in factors: exact where the weights have that rank, in every form and geometry; graphs by energy and by ratio; what stays and why.
#include "factorize/factorize_graph.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "catch.h"
#include "data/array_dataset.h"
#include "engine/engine.h"
#include "factorize/low_rank.h"
#include "ir/clone.h"
#include "ir/verify.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "passes/compress/low_rank_nodes.h"
#include "support/error.h"
#include "tensor/compare.h"

using namespace mcompress;

namespace {

std::vector<float> normal(std::int64_t count, unsigned seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<float> distribution;
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = distribution(random);
    return values;
}

void put(Graph& graph, const std::string& name, const Shape& shape, std::vector<float> values) {
    Value* placeholder = graph.find_value(name);
    Value* constant = graph.add_constant("placeholder", Tensor::from_values(shape, values));
    graph.replace_all_uses(placeholder, constant);
    graph.erase(placeholder->producer());
    graph.rename(constant, name);
}

std::vector<float> run(const Graph& graph, const Tensor& x) {
    CompileOptions options;
    options.input_shapes[graph.inputs()[0]->name()] = x.shape();
    return to_floats(make_reference_engine()->compile(graph, options)->run(std::vector<Tensor>{x})[0]);
}

void check_close(const std::vector<float>& a, const std::vector<float>& b) {
    REQUIRE(a.size() == b.size());
    float largest = 0.0F;
    for (const float value : a) largest = std::max(largest, std::abs(value));
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(std::abs(a[i] - b[i]) <= 1e-4F * largest);
}

std::string conv(const std::string& attributes) {
    return R"(<ir_version: 8, opset_import: ["" : 13]>
        g (float[2,8,11,13] x) => (float[N,16,H,W] y) {
            w = Constant <value_int = 0> ()
            b = Constant <value_int = 0> ()
            c = Conv <)" +
           attributes + R"(> (x, w, b)
            y = Relu (c)
        })";
}

/// A layer of three: a kernel, 1x1, and a matrix; with weights of low rank and some noise.
std::unique_ptr<Model> network() {
    auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13]>
        g (float[N,16,8,8] x) => (float[N,32] y) {
            w1 = Constant <value_int = 0> ()
            w2 = Constant <value_int = 0> ()
            w3 = Constant <value_int = 0> ()
            b3 = Constant <value_int = 0> ()
            a = Conv <pads = [1,1,1,1]> (x, w1)
            r = Relu (a)
            c = Conv (r, w2)
            s = Relu (c)
            p = GlobalAveragePool (s)
            f = Flatten (p)
            y = Gemm <transB = 1> (f, w3, b3)
        })");
    Graph& graph = *model->graph;
    const auto low_rank = [](std::int64_t m, std::int64_t n, std::int64_t rank, unsigned seed) {
        const Matrix left = matrix_of(normal(m * rank, seed), m, rank), right = matrix_of(normal(rank * n, seed + 1), rank, n);
        Matrix whole = product(left, right);
        const std::vector<float> noise = normal(m * n, seed + 2);
        for (std::size_t i = 0; i < whole.values.size(); ++i)
            whole.values[i] = 0.1 * whole.values[i] + 0.01 * static_cast<double>(noise[i]);
        return floats_of(whole);
    };
    put(graph, "w1", {48, 16, 3, 3}, low_rank(48, 144, 6, 1));
    put(graph, "w2", {64, 48, 1, 1}, low_rank(64, 48, 6, 4));
    put(graph, "w3", {32, 64}, low_rank(32, 64, 5, 7));
    put(graph, "b3", {32}, normal(32, 10));
    infer_types(graph);
    return model;
}

std::shared_ptr<const Dataset> samples() {
    std::vector<NamedArray> arrays;
    arrays.push_back({"x", "random", Tensor::from_values({40, 16, 8, 8}, normal(40 * 16 * 64, 20))});
    return make_array_dataset(std::move(arrays), SampleAxis::Leading);
}

FactorizeOptions by_ratio(double ratio) {
    FactorizeOptions options;
    options.ratio = ratio;
    options.gate = CostGate::Macs;
    return options;
}

}  // namespace

TEST_CASE("factors: a kernel that has a form's structure gives the same outputs in it, for every geometry") {
    const std::vector<std::string> geometries{"pads = [1,1,1,1]", "strides = [2,1], pads = [0,2,1,1]", "dilations = [2,2], strides = [1,2]",
                                              "auto_pad = \"SAME_UPPER\", strides = [2,2]"};
    const Tensor x = Tensor::from_values({2, 8, 11, 13}, normal(2 * 8 * 11 * 13, 50));
    for (const std::string& geometry : geometries)
        for (const FactorForm form : {FactorForm::Product, FactorForm::Spatial, FactorForm::Tucker}) {
            INFO(geometry << ", " << form_name(form));
            const Matrix first = form == FactorForm::Product   ? matrix_of(normal(4 * 72, 51), 4, 72)
                                 : form == FactorForm::Spatial ? matrix_of(normal(4 * 24, 51), 4, 24)
                                                               : matrix_of(normal(3 * 8, 51), 3, 8);
            std::vector<Matrix> factors{first};
            if (form == FactorForm::Tucker) factors.push_back(matrix_of(normal(4 * 27, 52), 4, 27));
            factors.push_back(form == FactorForm::Spatial ? matrix_of(normal(16 * 12, 53), 16, 12) : matrix_of(normal(16 * 4, 53), 16, 4));
            const LayerAlgebra layer{Matrix(16, 72), Matrix(), 8, 3, 3};
            const Matrix whole = product(factors.back(), front_map(layer, form, factors));
            auto model = parse_model(conv(geometry));
            put(*model->graph, "w", {16, 8, 3, 3}, floats_of(whole));
            put(*model->graph, "b", {16}, normal(16, 54));
            infer_types(*model->graph);
            const std::vector<float> wanted = run(*model->graph, x);
            Node* const node = model->graph->find_value("c")->producer();
            const std::string reason = why_not_in_form(*node, form);
            if (geometry.starts_with("auto_pad") && form != FactorForm::Product) {
                CHECK(reason == "its pads follow from the size of the input");
                continue;
            }
            REQUIRE(reason.empty());
            std::vector<FactorMatrix> matrices;
            for (const Matrix& factor : factors) matrices.push_back({factor.rows, factor.columns, floats_of(factor)});
            CHECK(write_factors(node, form, matrices).size() == factors.size());
            infer_types(*model->graph);
            CHECK(verify(*model->graph).empty());
            check_close(wanted, run(*model->graph, x));
        }
}

TEST_CASE("factors: MatMul of stacks and Gemm with transposed operands and factors of its own") {
    for (const std::string layer :
         {"MatMul (x, w)", "Gemm <transA = 1, alpha = 0.5, beta = 2.0> (x, w, b)", "Gemm <transA = 1, transB = 1> (x, w)"}) {
        INFO(layer);
        const bool is_product = layer.starts_with("MatMul"), is_transposed = layer.find("transB") != std::string::npos;
        auto model =
            parse_model(R"(<ir_version: 8, opset_import: ["" : 13]> g ()" + std::string(is_product ? "float[2,5,12] x" : "float[12,5] x") +
                        ") => (float[N,M] y) { w = Constant <value_int = 0> () b = Constant <value_int = 0> () y = " + layer + " }");
        const Matrix left = matrix_of(normal(20 * 3, 60), 20, 3), right = matrix_of(normal(3 * 12, 61), 3, 12),
                     whole = product(left, right);
        put(*model->graph, "w", is_transposed ? Shape{20, 12} : Shape{12, 20}, floats_of(is_transposed ? whole : transpose(whole)));
        put(*model->graph, "b", {20}, normal(20, 62));
        if (is_product) model->graph->set_type(model->graph->outputs()[0], ValueType::tensor(DType::Float32));
        infer_types(*model->graph);
        const Tensor x = is_product ? Tensor::from_values({2, 5, 12}, normal(120, 63)) : Tensor::from_values({12, 5}, normal(60, 63));
        const std::vector<float> wanted = run(*model->graph, x);
        Node* const node = model->graph->find_value("y")->producer();
        write_factors(node, FactorForm::Product, {{3, 12, floats_of(right)}, {20, 3, floats_of(left)}});
        infer_types(*model->graph);
        CHECK(verify(*model->graph).empty());
        check_close(wanted, run(*model->graph, x));
    }
}

TEST_CASE("factorize: by ratio and by energy, with data and without; fewer MACs, small errors, as predicted") {
    const auto data = samples();
    for (const bool has_data : {true, false})
        for (const bool is_energy : {false, true}) {
            auto model = network();
            const std::unique_ptr<Graph> dense = clone(*model->graph);
            FactorizeOptions options = by_ratio(0.5);
            if (is_energy) options.energy = 0.95, options.ratio.reset();
            if (has_data) options.data = data;
            const FactorizeOutcome outcome = factorize_graph(*model->graph, options);
            INFO((has_data ? "data" : "no data") << (is_energy ? ", energy" : ", ratio"));
            CHECK(verify(*model->graph).empty());
            REQUIRE_FALSE(outcome.layers.empty());
            CHECK(outcome.macs_after < outcome.macs_before);
            if (!is_energy) CHECK(outcome.macs_after <= outcome.macs_before / 2);
            for (const FactorizedLayer& layer : outcome.layers) {
                CHECK(layer.macs_after < layer.macs_before);
                CHECK(layer.rank % 8 == 0);
                if (is_energy) CHECK(layer.predicted_error <= 0.05);
                if (!has_data) continue;
                // The matrix has one row a sample, fewer than its inputs: what was fitted to them looks better than it is.
                if (layer.op == "Conv") CHECK(*layer.measured_error == Approx(layer.predicted_error).epsilon(0.3).margin(1e-4));
                CHECK(*layer.final_error < 0.1);
            }
            CHECK(outcome.output_sqnr_db.has_value() == has_data);
            const Tensor x = Tensor::from_values({2, 16, 8, 8}, normal(2 * 16 * 64, 70));
            ErrorMeasure measure;
            measure.add(run(*dense, x), run(*model->graph, x));
            CHECK(measure.sqnr_db() > (has_data ? 15.0 : 8.0));
        }
}

TEST_CASE("factorize: the same for any number of threads") {
    std::vector<std::vector<float>> outputs;
    for (const int threads : {1, 3}) {
        auto model = network();
        FactorizeOptions options = by_ratio(0.5);
        options.data = samples();
        options.threads = threads;
        factorize_graph(*model->graph, options);
        outputs.push_back(run(*model->graph, Tensor::from_values({2, 16, 8, 8}, normal(2 * 16 * 64, 71))));
    }
    CHECK(outputs[0] == outputs[1]);
}

TEST_CASE("factorize: layers that stay whole are fitted to what the factors before them give, and the report says so") {
    auto model = network();
    FactorizeOptions options = by_ratio(0.9);
    options.data = samples();
    const FactorizeOutcome outcome = factorize_graph(*model->graph, options);
    REQUIRE(outcome.layers.size() == 1);
    REQUIRE(outcome.layers[0].op == "Conv");
    REQUIRE(outcome.skipped.size() == 2);
    const auto is_fitted = [&](std::string_view node) {
        const auto skip = std::find_if(outcome.skipped.begin(), outcome.skipped.end(), [&](const Skip& each) { return each.node == node; });
        return skip != outcome.skipped.end() && skip->reason.find("fitted to what those before it give") != std::string::npos;
    };
    CHECK(outcome.layers[0].node == "c");
    CHECK_FALSE(is_fitted("a"));  // before it
    CHECK(is_fitted("y"));
}

TEST_CASE("factorize: reasons, and a refusal when nothing is worth it") {
    auto model = network();
    FactorizeOptions options = by_ratio(0.5);
    options.keep["a"] = "excluded by name";
    options.keep[model->graph->find_value("c")->producer()->display_name()] = "excluded by name";
    const FactorizeOutcome outcome = factorize_graph(*model->graph, options);
    CHECK(outcome.layers.size() == 1);
    CHECK(outcome.skipped.size() == 2);
    CHECK(outcome.skipped[0].reason == "excluded by name");

    auto whole = network();
    FactorizeOptions strict;
    strict.energy = 0.99999;
    strict.gate = CostGate::Macs;
    CHECK_THROWS_AS(factorize_graph(*whole->graph, strict), Error);
}

TEST_CASE("factorize: what is measured to be slower stays, so that every layer's time falls") {
    auto model = network();
    FactorizeOptions options = by_ratio(0.3);
    options.gate = CostGate::Measured;
    options.data = samples();
    try {
        const FactorizeOutcome outcome = factorize_graph(*model->graph, options);
        for (const FactorizedLayer& layer : outcome.layers) CHECK(layer.time_ratio.value_or(2.0) < 1.0);
    } catch (const Error& error) {
        CHECK(std::string(error.what()).find("of its time") != std::string::npos);
    }
}
