// Single samples through models of fixed batch size: run, validate; and what a report says of files.
#include "../data/temporary_folder.h"
#include "catch.h"
#include "data/array_dataset.h"
#include "onnx/emit.h"
#include "onnx/text.h"
#include "pipeline/compress.h"
#include "pipeline/factorize_model.h"
#include "pipeline/prune_model.h"
#include "pipeline/run_model.h"
#include "pipeline/validate_models.h"
#include "support/error.h"

using namespace mcompress;

namespace {

/// Rows x → x + the row's number in its batch, so that a wrong order shows.
std::filesystem::path write_model(const TemporaryFolder& folder, const char* name, const std::string& offset) {
    const auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13]>
        g (float[4,2] x) => (float[4,2] y) { o = Constant <value = float[4,1] {)" +
                                   offset + "}> ()\n y = Add (x, o) }");
    emit_model(*model, folder / name);
    return folder / name;
}

std::unique_ptr<Dataset> rows(std::int64_t count) {
    std::vector<float> values;
    for (std::int64_t at = 0; at < count; ++at) values.insert(values.end(), {static_cast<float>(at), static_cast<float>(-at)});
    return make_array_dataset({{"x", "x.npy", Tensor::from_values<float>({count, 2}, values)}}, SampleAxis::Leading);
}

}  // namespace

TEST_CASE("run puts single samples together for a model of fixed batch, and gives one row a sample") {
    const TemporaryFolder folder;
    const auto model = write_model(folder, "model.onnx", "0.0, 100.0, 200.0, 300.0");
    for (const std::int64_t count : {1, 4, 11}) {
        const auto data = rows(count);
        const auto results = run_model({.model = model, .data = data.get(), .threads = 2});
        REQUIRE(results.size() == 1);
        REQUIRE(results[0].second.shape() == Shape{count, 2});
        for (std::int64_t at = 0; at < count; ++at) {
            CHECK(results[0].second.data<float>()[at * 2] == static_cast<float>(at + at % 4 * 100));
            CHECK(results[0].second.data<float>()[at * 2 + 1] == static_cast<float>(-at + at % 4 * 100));
        }
    }
    const auto whole = make_array_dataset({{"x", "x.npy", Tensor(DType::Float32, Shape{4, 2})}}, SampleAxis::None);
    CHECK(run_model({.model = model, .data = whole.get()})[0].second.shape() == Shape{4, 2});
}

TEST_CASE("validate puts single samples and their labels together") {
    const TemporaryFolder folder;
    const auto reference = write_model(folder, "a.onnx", "0.0, 0.0, 0.0, 0.0");
    const auto candidate = write_model(folder, "b.onnx", "0.0, 0.0, 0.0, 1.0");
    const auto data = rows(10);
    // Sample 0 is a tie; of the others the first class scores higher.
    const std::vector<std::int64_t> labels{0, 0, 0, 1, 1, 0, 0, 0, 1, 1};
    const ValidateReport report =
        validate_models({.reference = reference, .candidate = candidate, .data = data.get(), .labels = labels, .latency_seconds = 0.0});
    REQUIRE(report.fidelity.classification);
    const ClassificationResult& result = *report.fidelity.classification;
    CHECK(result.rows == 8);  // two batches; two samples are left out
    CHECK(result.agreements == 8);
    CHECK(result.reference_top1 == 6);
    REQUIRE(report.fidelity.outputs.size() == 1);
    CHECK(report.fidelity.outputs[0].measure.max_absolute == 1.0);
    const std::vector<std::int64_t> too_few(9, 0);
    CHECK_THROWS_AS(validate_models({.reference = reference, .candidate = candidate, .data = data.get(), .labels = too_few}), Error);
}

TEST_CASE("the bytes of what was written do not count the files it was read from") {
    const TemporaryFolder folder;
    const auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13]>
        g (float[1,600] x) => (float[1,600] y) { w = Constant <value = float[1] {1.0}> ()  y = Mul (x, w) })");
    Graph& graph = *model->graph;
    Node* constant = graph.find_value("w")->producer();
    graph.replace_all_uses(constant->output(0), graph.add_constant("weights", Tensor(DType::Float32, Shape{1, 600})));
    graph.erase(constant);
    emit_model(*model, folder / "model.onnx", {.external_data = ExternalData::Always});
    const OptimizeReport report = optimize_model(folder / "model.onnx", folder / "optimized.onnx");
    CHECK(report.before.bytes > 2400);
    CHECK(report.after.bytes == std::filesystem::file_size(folder / "optimized.onnx"));
}

TEST_CASE("prune and factorize put single samples together for a model of fixed batch") {
    const TemporaryFolder folder;
    const auto numbers = [](int count, unsigned seed) {
        std::string text;
        for (int at = 0; at < count; ++at)
            text += (at ? ", " : "") + std::to_string(static_cast<double>((seed = seed * 1664525 + 1013904223) >> 8) / 8e6 - 1.0);
        return text;
    };
    const auto model =
        parse_model("<ir_version: 8, opset_import: [\"\" : 13]> g (float[2,2] x) => (float[2,32] y) { a = Constant <value = float[2,32] {" +
                    numbers(64, 1) + "}> ()\n b = Constant <value = float[32,32] {" + numbers(1024, 2) +
                    "}> ()\n h = MatMul (x, a)\n r = Relu (h)\n y = MatMul (r, b) }");
    emit_model(*model, folder / "model.onnx");
    const std::shared_ptr<const Dataset> data = rows(21);
    PruneRequest prune{.model = folder / "model.onnx", .output = folder / "pruned.onnx"};
    prune.options.sparsity = 0.5;
    prune.options.data = data;
    CHECK(prune_model(prune).samples == 21);
    prune.pattern = "channels";
    prune.output = folder / "smaller.onnx";
    prune.options.sparsity = 0.25;
    CHECK(prune_model(prune).removed_units > 0);
    FactorizeRequest factorize{.model = folder / "model.onnx", .output = folder / "factors.onnx"};
    factorize.options.ratio = 0.7;
    factorize.options.data = data;
    factorize.options.gate = CostGate::Macs;
    CHECK(factorize_model(factorize).samples == 21);
}
