// Weight-only quantization from file to file: the forms, what is refused, and what it costs on real transformers.
#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "../data/temporary_folder.h"
#include "catch.h"
#include "data/array_dataset.h"
#include "engine/engine.h"
#include "onnx/emit.h"
#include "onnx/load.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "pipeline/compress.h"
#include "pipeline/open_data.h"
#include "pipeline/validate_models.h"
#include "report/describe.h"
#include "report/json.h"
#include "support/error.h"

using namespace mcompress;
namespace fs = std::filesystem;

namespace {

fs::path assets() {
    const char* given = std::getenv("MCOMPRESS_ASSETS");
    return given ? fs::path(given) : fs::path(MCOMPRESS_SOURCE_DIR) / ".." / "shared" / "assets";
}

QuantizationScheme scheme_of(WeightOnlyScheme weight_only) {
    QuantizationScheme scheme;
    scheme.activations = ActivationMode::Float;
    scheme.weight_only = weight_only;
    return scheme;
}

/// A table of 40 rows, read by row and as the output layer, and a layer between.
void write_model(const fs::path& path) {
    auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13]>
        g (int64[N] i) => (float[N,40] y) {
            table = Constant <value_int = 0> ()
            w = Constant <value_int = 0> ()
            x = Gather (table, i)
            h = MatMul (x, w)
            y = Gemm <transB = 1> (h, table)
        })");
    float value = 0.1F;
    for (const auto& [name, shape] : {std::pair<const char*, Shape>{"table", {40, 48}}, {"w", {48, 48}}}) {
        std::vector<float> values(static_cast<std::size_t>(shape.element_count()));
        for (float& each : values) each = value = 3.9F * value * (1.0F - value);  // a chaotic sequence in (0, 1)
        Value* placeholder = model->graph->find_value(name);
        Value* constant = model->graph->add_constant("placeholder", Tensor::from_values(shape, values));
        model->graph->replace_all_uses(placeholder, constant);
        model->graph->erase(placeholder->producer());
        model->graph->rename(constant, name);
    }
    emit_model(*model, path);
}

std::size_t count_constants(const Graph& graph, std::int64_t elements) {
    const auto constants = graph.constants();
    return static_cast<std::size_t>(std::count_if(constants.begin(), constants.end(),
                                                  [&](const Value* each) { return each->constant()->element_count() == elements; }));
}

}  // namespace

TEST_CASE("weight only: both forms, the table of a tied output layer once, what is written and reported") {
    const TemporaryFolder folder;
    write_model(folder / "model.onnx");
    for (const WeightForm form : {WeightForm::MatMulNBits, WeightForm::DequantizeLinear}) {
        const fs::path file = folder / (std::string(name_of(form)) + ".onnx");
        const QuantizeReport report = quantize_model(
            {.model = folder / "model.onnx", .output = file, .scheme = scheme_of({4, 16, WeightRounding::Hqq, ZeroPoints::Integer, form})});
        const auto model = load_model(file);
        const Graph& graph = *model->graph;
        CHECK(graph.opset_version("") == (form == WeightForm::MatMulNBits ? 13 : 21));
        CHECK((graph.opset_version("com.microsoft") == 1) == (form == WeightForm::MatMulNBits));
        CHECK(count_constants(graph, 40 * 48) == 1);
        CHECK(report.quantized_nodes == 2);
        CHECK(report.quantized_macs_share == 1.0);
        CHECK(report.left_in_float.empty());
        REQUIRE(report.weights.size() == 1);
        CHECK(report.weights[0].weight == "w");
        CHECK(report.weights[0].bytes_after == 48 * (3 * 8 + 3 * 4 + 2));
        CHECK(to_text(report).find("1 in 4 bits, blocks of 16, hqq") != std::string::npos);
        CHECK(to_json(report).find("\"weight_sqnr_db\"") != std::string::npos);
        CHECK_THROWS_AS(quantize_model({.model = file, .output = folder / "again.onnx", .scheme = scheme_of({})}), Error);

        std::vector<std::int64_t> rows{0, 39, 7};
        const std::vector<Tensor> inputs{Tensor::from_values(Shape{3}, rows)};
        const auto original = load_model(folder / "model.onnx");
        infer_types(*original->graph);
        infer_types(*model->graph);
        const CompileOptions options{.input_shapes = {{"i", Shape{3}}}};
        for (const auto& engine : {make_reference_engine(), make_onednn_engine()}) {
            const Tensor expected = engine->compile(*original->graph, options)->run(inputs)[0];
            const Tensor found = engine->compile(graph, options)->run(inputs)[0];
            for (std::int64_t at = 0; at < expected.element_count(); ++at)
                REQUIRE(found.data<float>()[at] == Approx(expected.data<float>()[at]).epsilon(0.03));
        }
    }
    const QuantizeReport whole = quantize_model({.model = folder / "model.onnx", .output = folder / "int8.onnx", .scheme = scheme_of({})});
    CHECK(whole.quantized_nodes == 2);
    CHECK(whole.left_in_float.empty());
    CHECK(whole.weights.empty());
}

TEST_CASE("weight only: gptq without samples is refused") {
    const TemporaryFolder folder;
    write_model(folder / "model.onnx");
    const WeightOnlyScheme gptq{4, 16, WeightRounding::Gptq, ZeroPoints::Integer, WeightForm::MatMulNBits};
    CHECK_THROWS_AS(quantize_model({.model = folder / "model.onnx", .output = folder / "x.onnx", .scheme = scheme_of(gptq)}), Error);
    CHECK_FALSE(fs::exists(folder / "x.onnx"));
}

TEST_CASE("weight only: the order of the samples and the number of threads leave no trace in the file") {
    const TemporaryFolder folder;
    write_model(folder / "model.onnx");
    const WeightOnlyScheme gptq{4, 16, WeightRounding::Gptq, ZeroPoints::Integer, WeightForm::MatMulNBits};
    std::vector<std::string> files;
    for (const int threads : {1, 3}) {
        std::vector<std::int64_t> rows(60);
        for (std::size_t at = 0; at < rows.size(); ++at) rows[at] = static_cast<std::int64_t>(at * at * 7 % 40);
        if (threads == 3) std::reverse(rows.begin(), rows.end());
        const auto data = make_array_dataset({{"i", "rows", Tensor::from_values(Shape{60}, rows)}}, SampleAxis::Leading);
        const fs::path file = folder / (std::to_string(threads) + ".onnx");
        quantize_model({.model = folder / "model.onnx", .output = file, .scheme = scheme_of(gptq), .data = data.get(), .threads = threads});
        std::ifstream stream(file, std::ios::binary);
        files.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
    }
    CHECK(files[0] == files[1]);
}

TEST_CASE("weight only on transformers: hqq gains at least 1 dB over rtn, gptq at least 2, in blocks of 32 of 4 bits", "[accuracy]") {
    struct Row {
        std::string model, calibration, evaluation;
        std::vector<std::pair<std::string, std::string>> image_options = {};
    };
    const std::vector<std::pair<std::string, std::string>> raw{
        {"resize", "256x256"}, {"crop", "none"}, {"scale", "1"}, {"mean", "0"}, {"std", "1"}};
    const Row rows[] = {
        {"stories260k_llama", "data/text/tinystories_calib_tokens.npy", "data/text/tinystories_eval_tokens.npy"},
        {"magika_v3_3", "data/magika/bytes.npy", "data/magika/bytes.npy"},
        {"mobilevit_xxs_flowers_256", "data/flowers/calib", "data/flowers/eval", raw},
    };
    if (!fs::exists(assets() / "models")) return;
    for (const Row& row : rows) {
        INFO(row.model);
        const TemporaryFolder folder;
        const fs::path model = assets() / "models" / (row.model + ".onnx");
        const auto loaded = load_model(model);
        const auto open = [&](const std::string& data, std::size_t limit) {
            return open_data({.path = (assets() / data).string(), .preset = {}, .image_options = row.image_options, .limit = limit},
                             *loaded->graph);
        };
        const auto calibration = open(row.calibration, 0);
        const auto evaluation = open(row.evaluation, 80);
        const auto sqnr = [&](const WeightOnlyScheme& scheme) {
            const fs::path file = folder / "x.onnx";
            fs::remove(file);
            quantize_model({.model = model, .output = file, .scheme = scheme_of(scheme), .data = calibration.get(), .threads = 2});
            ValidateRequest request{.reference = model, .candidate = file, .data = evaluation.get(), .threads = 2};
            request.layer_samples = 0;
            request.latency_seconds = 0.0;
            return validate_models(request).fidelity.outputs.at(0).measure.sqnr_db();
        };
        const double rtn = sqnr({4, 32, WeightRounding::Nearest, ZeroPoints::None, WeightForm::MatMulNBits});
        CHECK(sqnr({4, 32, WeightRounding::Hqq, ZeroPoints::Real, WeightForm::MatMulNBits}) > rtn + 1.0);
        CHECK(sqnr({4, 32, WeightRounding::Gptq, ZeroPoints::Integer, WeightForm::MatMulNBits}) > rtn + 2.0);
        CHECK(sqnr({8, 32, WeightRounding::Nearest, ZeroPoints::None, WeightForm::MatMulNBits}) > rtn + 15.0);
    }
}
