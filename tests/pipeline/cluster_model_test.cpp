// Weights in codebooks from file to file: what is written, zeros of a pruned model, what optimize and quantize make of it, and real networks.
#include "pipeline/cluster_model.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <random>

#include "../data/temporary_folder.h"
#include "catch.h"
#include "engine/engine.h"
#include "fixtures/assets.h"
#include "onnx/emit.h"
#include "onnx/load.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "passes/codebook.h"
#include "pipeline/compress.h"
#include "pipeline/open_data.h"
#include "pipeline/validate_models.h"
#include "support/error.h"
#include "tensor/compare.h"

using namespace mcompress;
namespace fs = std::filesystem;

namespace {

/// Two layers of Gaussian weights; of the first only every fifth is not 0, the rows of the second differ by factors of up to 100.
void write_model(const fs::path& path) {
    auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13]>
        g (float[N,96] x) => (float[N,64] y) {
            w = Constant <value_int = 0> ()
            v = Constant <value_int = 0> ()
            h = MatMul (x, w)
            y = Gemm <transB = 1> (h, v)
        })");
    std::mt19937_64 random(11);
    std::normal_distribution<float> normal;
    std::vector<float> w(96 * 128), v(64 * 128);
    for (std::size_t i = 0; i < w.size(); ++i) w[i] = i % 5 == 0 ? normal(random) : 0.0F;
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = normal(random) * std::pow(100.0F, static_cast<float>(i / 128) / 63.0F);
    for (const auto& [name, tensor] : {std::pair{"w", Tensor::from_values({96, 128}, w)}, {"v", Tensor::from_values({64, 128}, v)}}) {
        Value* placeholder = model->graph->find_value(name);
        Value* constant = model->graph->add_constant("placeholder", tensor);
        model->graph->replace_all_uses(placeholder, constant);
        model->graph->erase(placeholder->producer());
        model->graph->rename(constant, name);
    }
    emit_model(*model, path);
}

ClusterReport cluster(const fs::path& from, const fs::path& to, int bits, CodeStorage storage = CodeStorage::Bytes, int threads = 1) {
    ClusterRequest request;
    request.model = from;
    request.output = to;
    request.options.bits = bits;
    request.options.storage = storage;
    request.options.threads = threads;
    return cluster_model(request);
}

ClusterReport cluster_without(const fs::path& from, const fs::path& to, const std::string& excluded) {
    ClusterRequest request;
    request.model = from;
    request.output = to;
    request.exclude = {excluded};
    return cluster_model(request);
}

std::string bytes_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<float> output_of(const fs::path& path, const Engine& engine) {
    const auto model = load_model(path);
    infer_types(*model->graph);
    std::vector<float> x(3 * 96);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i));
    const auto plan = engine.compile(*model->graph, {.input_shapes = {{"x", Shape{3, 96}}}});
    return to_floats(plan->run(std::vector<Tensor>{Tensor::from_values({3, 96}, x)})[0]);
}

/// The codes and levels of the first codebook in the file.
Codebook first_codebook(const Graph& graph) {
    for (const Node* node : graph.order())
        if (const auto book = match_codebook(*node)) return *book;
    FAIL("there is no codebook");
    return {};
}

}  // namespace

TEST_CASE("cluster: codes, scales where rows differ, zeros kept, both engines, the same bytes for any number of threads") {
    const TemporaryFolder folder;
    write_model(folder / "model.onnx");
    for (const CodeStorage storage : {CodeStorage::Bytes, CodeStorage::Packed}) {
        const fs::path file = folder / "clustered.onnx";
        const ClusterReport report = cluster(folder / "model.onnx", file, 4, storage);
        REQUIRE(report.weights.size() == 2);
        CHECK(report.skipped.empty());
        CHECK(report.weights[0].is_zero_level);
        CHECK(report.weights[0].zeros == Approx(0.8).margin(0.001));
        CHECK(report.weights[1].has_row_scales);
        CHECK(report.weights[1].sqnr_db >
              20.0);  // 20.22 dB for endless Gaussian numbers; here the few large rows count most and are fitted
        const auto model = load_model(file);
        const Codebook book = first_codebook(*model->graph);
        CHECK(book.codes->dtype() == (storage == CodeStorage::Packed ? DType::UInt4 : DType::UInt8));
        const std::vector<float> codes = to_floats(*book.codes), levels = to_floats(*book.levels);
        const std::vector<float> original = to_floats(*load_model(folder / "model.onnx")->graph->find_value("w")->constant());
        for (std::size_t i = 0; i < codes.size(); ++i)
            if (original[i] == 0.0F) REQUIRE(levels[static_cast<std::size_t>(codes[i])] == 0.0F);
        const std::vector<float> fast = output_of(file, *make_onednn_engine()), slow = output_of(file, *make_reference_engine());
        for (std::size_t i = 0; i < fast.size(); ++i) CHECK(fast[i] == Approx(slow[i]).epsilon(1e-4).margin(1e-2));
        cluster(folder / "model.onnx", folder / "threads.onnx", 4, storage, 3);
        CHECK(bytes_of(file) == bytes_of(folder / "threads.onnx"));
        CHECK(report.after.bytes == fs::file_size(file));
    }
}

TEST_CASE("cluster: optimize keeps the codes, quantize takes the weights they stand for") {
    const TemporaryFolder folder;
    write_model(folder / "model.onnx");
    cluster(folder / "model.onnx", folder / "clustered.onnx", 6);
    optimize_model(folder / "clustered.onnx", folder / "optimized.onnx");
    CHECK(fs::file_size(folder / "optimized.onnx") < fs::file_size(folder / "clustered.onnx") + 64);
    CHECK(output_of(folder / "optimized.onnx", *make_onednn_engine()) == output_of(folder / "clustered.onnx", *make_onednn_engine()));
    CHECK_THROWS_AS(cluster(folder / "clustered.onnx", folder / "again.onnx", 8), Error);

    QuantizeRequest request{.model = folder / "clustered.onnx", .output = folder / "int8.onnx"};
    request.scheme.activations = ActivationMode::Float;
    const QuantizeReport report = quantize_model(request);
    CHECK(report.quantized_nodes == 2);
    const auto model = load_model(folder / "int8.onnx");
    CHECK_FALSE(holds_codebooks(*model->graph));
    // int8 of 64 levels: about 40 dB.
    ErrorMeasure measure;
    measure.add(output_of(folder / "clustered.onnx", *make_onednn_engine()), output_of(folder / "int8.onnx", *make_onednn_engine()));
    CHECK(measure.sqnr_db() > 35.0);
}

TEST_CASE("cluster: nodes that are excluded keep their weights, and who reads the same weights too") {
    const TemporaryFolder folder;
    write_model(folder / "model.onnx");
    const ClusterReport report = cluster_without(folder / "model.onnx", folder / "part.onnx", "type:Gemm");
    CHECK(report.weights.size() == 1);
    REQUIRE(report.skipped.size() == 1);
    CHECK(report.skipped[0].reason == "excluded by name");
    CHECK_THROWS_AS(cluster_without(folder / "model.onnx", folder / "none.onnx", "*"), Error);
    CHECK_FALSE(fs::exists(folder / "none.onnx"));
}

TEST_CASE("cluster: the CIFAR networks keep their decisions", "[accuracy]") {
    if (!fs::exists(assets() / "models")) {
        std::cout << "not measured: MCOMPRESS_ASSETS is missing\n";
        return;
    }
    for (const char* const name : {"resnet20_cifar10", "resnet32_cifar10"})
        for (const auto& [bits, least] : {std::pair{8, 0.99}, {6, 0.96}}) {
            const TemporaryFolder folder;
            const fs::path original = assets() / "models" / (std::string(name) + ".onnx");
            cluster(original, folder / "clustered.onnx", bits);
            DataRequest request;
            request.path = (assets() / "data/cifar10/eval.npy").string();
            const auto data = open_data(request, *load_model(original)->graph);
            const ValidateReport report = validate_models({.reference = original,
                                                           .candidate = folder / "clustered.onnx",
                                                           .data = data.get(),
                                                           .layer_samples = 0,
                                                           .latency_seconds = 0});
            REQUIRE(report.fidelity.classification);
            std::cout << name << ", " << bits << " bits: " << report.fidelity.classification->agreement() << " of the decisions agree\n";
            CHECK(report.fidelity.classification->agreement() >= least);
        }
}
