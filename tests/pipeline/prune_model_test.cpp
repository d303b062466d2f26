// Pruning from file to file: what was asked for, what is refused, and that quantization keeps every zero.
#include "pipeline/prune_model.h"

#include <algorithm>
#include <fstream>
#include <random>

#include "../data/temporary_folder.h"
#include "catch.h"
#include "data/array_dataset.h"
#include "onnx/emit.h"
#include "onnx/load.h"
#include "onnx/text.h"
#include "pack/archive.h"
#include "pipeline/compress.h"
#include "report/describe.h"
#include "report/json.h"
#include "support/error.h"

using namespace mcompress;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kSamples = 40;

std::vector<float> normal_values(std::int64_t count, float deviation, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0.1F, deviation);
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = normal(random);
    return values;
}

/// Convolutions of every kind, a residual sum and a Gemm; a recurrent-free model with 1,000 or so weights.
void write_model(const fs::path& path) {
    auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13]>
        g (float[1, 3, 12, 12] x) => (float[1, 5] y) {
            w1 = Constant <value_int = 0> () b1 = Constant <value_int = 0> ()
            w2 = Constant <value_int = 0> () w3 = Constant <value_int = 0> ()
            w4 = Constant <value_int = 0> () b4 = Constant <value_int = 0> ()
            c1 = Conv <strides = [2, 2], pads = [1, 1, 1, 1]> (x, w1, b1)
            r1 = Relu (c1)
            c2 = Conv <pads = [1, 1, 1, 1], group = 8> (r1, w2)
            r2 = Relu (c2)
            c3 = Conv (r2, w3)
            s = Add (c3, r1)
            p = GlobalAveragePool (s)
            f = Flatten (p)
            y = Gemm (f, w4, b4)
        })");
    const std::pair<const char*, Shape> constants[] = {{"w1", {8, 3, 3, 3}}, {"b1", {8}},    {"w2", {8, 1, 3, 3}},
                                                       {"w3", {8, 8, 1, 1}}, {"w4", {8, 5}}, {"b4", {5}}};
    unsigned seed = 1;
    for (const auto& [name, shape] : constants) {
        Value* placeholder = model->graph->find_value(name);
        Value* constant =
            model->graph->add_constant("placeholder", Tensor::from_values(shape, normal_values(shape.element_count(), 0.4F, seed++)));
        model->graph->replace_all_uses(placeholder, constant);
        model->graph->erase(placeholder->producer());
        model->graph->rename(constant, name);
    }
    emit_model(*model, path);
}

enum class SampleOrder { Forward, Reversed };

std::shared_ptr<const Dataset> pictures(SampleOrder order = SampleOrder::Forward) {
    std::vector<float> values = normal_values(kSamples * 3 * 12 * 12, 1.0F, 99);
    for (std::size_t at = 1; at < values.size(); ++at) values[at] = 0.7F * values[at - 1] + 0.7F * values[at];
    if (order == SampleOrder::Reversed)
        for (std::int64_t at = 0; at < kSamples / 2; ++at)
            std::swap_ranges(values.begin() + at * 432, values.begin() + (at + 1) * 432, values.begin() + (kSamples - 1 - at) * 432);
    return make_array_dataset({{"x", "rows", Tensor::from_values(Shape{kSamples, 3, 12, 12}, values)}}, SampleAxis::Leading);
}

PruneRequest request_of(const TemporaryFolder& folder, double sparsity, const std::string& output) {
    PruneRequest request{.model = folder / "model.onnx", .output = folder / output, .data_name = "pictures"};
    request.options.sparsity = sparsity;
    request.options.criterion = Criterion::LeastSquares;
    request.options.scope = Scope::Measured;
    request.options.repair = Repair::Full;
    request.options.data = pictures();
    return request;
}

std::string bytes_of(const fs::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

/// Where the layers' weights are zero: floats, or the codes in front of their DequantizeLinear.
std::vector<bool> zeros_of_weights(const Graph& graph) {
    std::vector<bool> zeros;
    for (const Node* node : graph.order()) {
        if (!node->is("Conv") && !node->is("Gemm")) continue;
        const Value* weight = node->input(1);
        if (weight->producer()) weight = weight->producer()->input(0);
        const Tensor& tensor = *weight->constant();
        for (std::int64_t at = 0; at < tensor.element_count(); ++at)
            zeros.push_back(tensor.dtype() == DType::Int8 ? tensor.data<std::int8_t>()[at] == 0 : tensor.data<float>()[at] == 0.0F);
    }
    return zeros;
}

}  // namespace

TEST_CASE("prune: the share asked for exactly, the same bytes for any number of threads and order of samples") {
    const TemporaryFolder folder;
    write_model(folder / "model.onnx");
    for (const double sparsity : {0.3, 0.5, 0.9}) {
        PruneRequest request = request_of(folder, sparsity, "one.onnx");
        const PruneReport report = prune_model(request);
        CHECK(report.outcome.prunable_weights == 216 + 72 + 64 + 40);
        CHECK(std::abs(static_cast<double>(report.outcome.zeros) - sparsity * 392.0) <= 0.5);
        CHECK(report.outcome.fidelity);
        CHECK(report.warnings.empty());
        CHECK(to_text(report).find("held out") != std::string::npos);
        CHECK(to_json(report).find("\"mcompress/prune\"") != std::string::npos);
        for (const LayerOutcome& layer : report.outcome.layers) CHECK(*layer.error_after <= *layer.error_before);
        request.output = folder / "three.onnx";
        request.options.threads = 3;
        request.options.data = pictures(SampleOrder::Reversed);
        prune_model(request);
        CHECK(bytes_of(folder / "one.onnx") == bytes_of(folder / "three.onnx"));
    }
}

TEST_CASE("prune: without data a warning; overrides, selections and patterns do what they say") {
    const TemporaryFolder folder;
    write_model(folder / "model.onnx");
    PruneRequest request{.model = folder / "model.onnx", .output = folder / "pruned.onnx"};
    request.options.sparsity = 0.5;
    request.options.choice.overrides = {{"type:Gemm", 0.1}};
    request.options.choice.selection.exclude = {"c2"};
    const PruneReport report = prune_model(request);
    REQUIRE(report.warnings.size() == 1);
    CHECK(report.warnings[0].find("without data") != std::string::npos);
    REQUIRE(report.outcome.skipped.size() == 1);
    CHECK(report.outcome.skipped[0].node == "c2");
    CHECK(report.outcome.zeros == 140 + 4);
    request.pattern = "2:4";
    request.options.sparsity = 0.0;
    request.options.choice = {};
    const PruneReport fours = prune_model(request);
    CHECK(fours.outcome.skipped.size() == 2);  // 3 channels, and 1
    CHECK(fours.outcome.zeros == (64 + 40) / 2);
    request.pattern = "4x1";
    request.options.sparsity = 0.5;
    CHECK(prune_model(request).outcome.zeros > 100);
}

TEST_CASE("prune: what does not go together is refused, and nothing is written") {
    const TemporaryFolder folder;
    write_model(folder / "model.onnx");
    const auto refused = [&](const auto& change) {
        PruneRequest request{.model = folder / "model.onnx", .output = folder / "never.onnx"};
        request.options.sparsity = 0.5;
        change(request);
        CHECK_THROWS_AS(prune_model(request), Error);
        CHECK_FALSE(fs::exists(request.output));
    };
    refused([](PruneRequest& request) { request.options.criterion = Criterion::Wanda; });
    refused([](PruneRequest& request) { request.options.scope = Scope::Measured; });
    refused([](PruneRequest& request) { request.options.repair = Repair::Full; });
    refused([](PruneRequest& request) { request.pattern = "3:2"; });
    refused([](PruneRequest& request) { request.pattern = "1:4"; });  // has 75 %
    refused([](PruneRequest& request) { request.options.choice.selection.exclude = {"type:*", "nobody"}; });
    refused([](PruneRequest& request) { request.options.choice.selection.exclude = {"type:Conv", "type:Gemm"}; });
    refused([](PruneRequest& request) { request.options.choice.overrides = {{"type:Relu", 0.5}, {"nobody", 0.1}}; });
    refused([](PruneRequest& request) { request.size = 0.5; });  // and a share of zeros
    const auto refused_goal = [&](const auto& change) {
        refused([&](PruneRequest& request) {
            request.options.sparsity = 0.0;
            change(request);
        });
    };
    refused_goal([](PruneRequest& request) { request.latency = 0.8; });
    refused_goal([](PruneRequest& request) { request.macs = 0.8; });
    refused_goal([](PruneRequest& request) {
        request.size = 0.5;
        request.pattern = "2:4";
    });
    refused_goal([](PruneRequest& request) { request.size = 0.0; });  // biases stay
}

TEST_CASE("prune --size: as many zeros as the packed bytes take, by what an archive takes") {
    const TemporaryFolder folder;
    auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13]>
        g (float[1, 96] x) => (float[1, 96] y) {
            w1 = Constant <value_int = 0> () w2 = Constant <value_int = 0> () b = Constant <value_int = 0> ()
            h = Gemm (x, w1, b)
            r = Relu (h)
            y = Gemm (r, w2, b)
        })");
    unsigned seed = 5;
    for (const auto& [name, shape] : {std::pair{"w1", Shape{96, 96}}, {"w2", Shape{96, 96}}, {"b", Shape{96}}}) {
        Value* placeholder = model->graph->find_value(name);
        Value* constant =
            model->graph->add_constant("placeholder", Tensor::from_values(shape, normal_values(shape.element_count(), 0.1F, seed++)));
        model->graph->replace_all_uses(placeholder, constant);
        model->graph->erase(placeholder->producer());
        model->graph->rename(constant, name);
    }
    emit_model(*model, folder / "model.onnx");
    const double raw = (2 * 96 + 1) * 96 * 4;
    std::int64_t zeros = 2 * 96 * 96;
    for (const auto& [size, pattern] : {std::pair{0.25, "unstructured"}, {0.5, "unstructured"}, {0.7, "unstructured"}, {0.5, "1x4"}}) {
        INFO(size << " " << pattern);
        PruneRequest request{.model = folder / "model.onnx", .output = folder / "pruned.onnx", .pattern = pattern};
        request.options.sparsity = 0.0;
        request.size = size;
        const PruneReport report = prune_model(request);
        REQUIRE(report.outcome.packed_bytes);
        const auto packed = static_cast<double>(*report.outcome.packed_bytes);
        CHECK(packed <= size * raw);
        CHECK(packed >= 0.97 * size * raw);
        CHECK(to_text(report).find("in an archive") != std::string::npos);
        // The archive has the graph and an index besides.
        const ArchiveSummary archive = pack_files({{"pruned.onnx", request.output}}, folder / "pruned.mcz", {});
        CHECK(static_cast<double>(archive.packed) == Approx(packed).margin(600.0));
        if (pattern == std::string("unstructured")) CHECK(report.outcome.zeros < zeros);
        zeros = report.outcome.zeros;
        fs::remove(folder / "pruned.onnx");
        fs::remove(folder / "pruned.mcz");
    }
    // A share that zeros are not needed for takes none.
    PruneRequest request{.model = folder / "model.onnx", .output = folder / "pruned.onnx"};
    request.options.sparsity = 0.0;
    request.size = 1.0;
    CHECK(prune_model(request).outcome.zeros == 0);
}

TEST_CASE("quantize keeps every zero of a pruned model, at every effort") {
    const TemporaryFolder folder;
    write_model(folder / "model.onnx");
    const fs::path pruned = folder / "pruned.onnx";
    prune_model(request_of(folder, 0.7, "pruned.onnx"));
    const auto floats = load_model(pruned);
    for (const Effort effort : {Effort::Fast, Effort::Balanced, Effort::Max}) {
        const auto data = pictures();
        QuantizeRequest request{.model = pruned, .output = folder / "int8.onnx", .data = data.get()};
        request.scheme.effort = effort;
        quantize_model(request);
        const auto codes = load_model(folder / "int8.onnx");
        const std::vector<bool> before = zeros_of_weights(*floats->graph), after = zeros_of_weights(*codes->graph);
        CHECK(std::count(before.begin(), before.end(), true) == 274);
        REQUIRE(before.size() == after.size());
        for (std::size_t at = 0; at < before.size(); ++at)
            if (before[at]) REQUIRE(after[at]);
    }
}

TEST_CASE("prune: constants as values and places are the same model") {
    const TemporaryFolder folder;
    write_model(folder / "model.onnx");
    PruneRequest request{.model = folder / "model.onnx", .output = folder / "dense.onnx"};
    request.options.sparsity = 0.9;
    const PruneReport plain = prune_model(request);
    CHECK(plain.sparse.constants == 0);
    request.output = folder / "sparse.onnx";
    request.sparse_format = SparseFormat::Coordinates;
    const PruneReport report = prune_model(request);
    CHECK(report.sparse.constants >= 2);
    CHECK(report.after.bytes < plain.after.bytes);
    CHECK(report.after.bytes == fs::file_size(folder / "sparse.onnx"));
    CHECK(report.after.cost.parameters == plain.after.cost.parameters);
    CHECK(to_json(report).find("\"sparse_constants\"") != std::string::npos);
    CHECK(to_text(report).find("as values and places") != std::string::npos);
    CHECK(load_model(folder / "sparse.onnx")->graph->constants().size() == load_model(folder / "dense.onnx")->graph->constants().size());

    // Written out again it is the dense file, weight for weight and byte for byte.
    optimize_model(folder / "dense.onnx", folder / "dense_again.onnx");
    optimize_model(folder / "sparse.onnx", folder / "sparse_again.onnx");
    const auto one = load_model(folder / "dense_again.onnx"), other = load_model(folder / "sparse_again.onnx");
    CHECK(zeros_of_weights(*one->graph) == zeros_of_weights(*other->graph));
    for (const Value* value : one->graph->constants()) {
        INFO(value->name());
        const Value* found = other->graph->find_value(value->name());
        REQUIRE(found);
        CHECK(found->constant()->equals(*value->constant()));
    }
    // What has few zeros stays as it is: the same bytes.
    optimize_model(folder / "model.onnx", folder / "a.onnx");
    optimize_model(folder / "model.onnx", folder / "b.onnx", {.sparse = SparseFormat::Coordinates});
    CHECK(bytes_of(folder / "a.onnx") == bytes_of(folder / "b.onnx"));
}
