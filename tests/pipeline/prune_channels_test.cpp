// Channels pruned from file to file: the same bytes for any number of threads, what is refused, and what it costs real models.
#include <algorithm>
#include <fstream>
#include <iostream>

#include "../data/temporary_folder.h"
#include "catch.h"
#include "data/array_dataset.h"
#include "data/npy_file.h"
#include "engine/engine.h"
#include "fixtures/assets.h"
#include "fixtures/model_families.h"
#include "fixtures/random_tensors.h"
#include "onnx/emit.h"
#include "onnx/load.h"
#include "ops/attributes.h"
#include "ops/infer.h"
#include "pipeline/compact_model.h"
#include "pipeline/prune_model.h"
#include "report/describe.h"
#include "report/json.h"
#include "support/error.h"

using namespace mcompress;
using namespace mcompress::testing;
namespace fs = std::filesystem;

namespace {

std::string bytes_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write_family(std::string_view name, const fs::path& path) {
    for (const ModelFamily& family : model_families())
        if (family.name == name) emit_model(*family.make(), path);
}

std::shared_ptr<const Dataset> dataset_of(const Tensor& array, const std::string& input) {
    std::vector<NamedArray> arrays;
    arrays.push_back({input, "samples", array});
    return make_array_dataset(std::move(arrays), SampleAxis::Leading);
}

PruneRequest request_of(const fs::path& model, const fs::path& output, double macs) {
    PruneRequest request{.model = model, .output = output};
    request.pattern = "channels";
    request.macs = macs;
    request.options.criterion = Criterion::LeastSquares;
    request.options.repair = Repair::Full;
    return request;
}

/// Share of the labels that the model's first output has as its largest class.
double accuracy(const fs::path& path, const Tensor& images, const std::vector<std::int64_t>& labels) {
    const auto model = load_model(path);
    infer_types(*model->graph);
    CompileOptions options;
    options.input_shapes[model->graph->inputs()[0]->name()] = Shape{1, 3, 32, 32};
    const auto plan = make_onednn_engine()->compile(*model->graph, options);
    constexpr std::size_t kPixels = 3 * 32 * 32;
    std::size_t right = 0;
    for (std::size_t image = 0; image < labels.size(); ++image) {
        const std::span<const float> pixels = images.values<float>().subspan(image * kPixels, kPixels);
        const std::vector<Tensor> inputs{Tensor::from_values(Shape{1, 3, 32, 32}, pixels)};
        const std::vector<Tensor> outputs = plan->run(inputs);
        const std::span<const float> logits = outputs[0].values<float>();
        right += static_cast<std::int64_t>(std::max_element(logits.begin(), logits.end()) - logits.begin()) == labels[image] ? 1 : 0;
    }
    return static_cast<double>(right) / static_cast<double>(labels.size());
}

}  // namespace

TEST_CASE("prune channels: within the budget, the same bytes for any number of threads") {
    const TemporaryFolder folder;
    write_family("mobilenet_v2", folder / "model.onnx");
    PruneRequest request = request_of(folder / "model.onnx", folder / "one.onnx", 0.75);
    request.options.data = dataset_of(random_tensor(DType::Float32, {20, 3, 16, 16}, 3), "x");
    request.options.threads = 1;
    const PruneReport report = prune_model(request);
    CHECK(static_cast<double>(report.after.cost.macs) <= 0.75 * static_cast<double>(report.before.cost.macs));
    CHECK(report.removed_units > 0);
    CHECK(!report.narrowed.empty());
    CHECK(to_text(report).find("held out") != std::string::npos);
    CHECK(to_json(report).find("\"narrowed\"") != std::string::npos);
    request.output = folder / "three.onnx";
    request.options.threads = 3;
    prune_model(request);
    CHECK(bytes_of(folder / "one.onnx") == bytes_of(folder / "three.onnx"));
}

TEST_CASE("prune channels: criteria for single weights and shares of single layers are refused") {
    const TemporaryFolder folder;
    write_family("resnet_basic", folder / "model.onnx");
    PruneRequest request = request_of(folder / "model.onnx", folder / "out.onnx", 0.8);
    request.options.repair = Repair::None;
    request.options.criterion = Criterion::SparseGpt;
    CHECK_THROWS_AS(prune_model(request), Error);
    request.options.criterion = Criterion::Magnitude;
    request.options.choice.overrides = {{"v1", 0.5}};
    CHECK_THROWS_AS(prune_model(request), Error);
    request.options.choice.overrides.clear();
    CHECK_NOTHROW(prune_model(request));
    CHECK(!fs::is_empty(folder / "out.onnx"));
}

TEST_CASE("compact from file to file: a dense model stays, and the report says so") {
    const TemporaryFolder folder;
    write_family("resnet_basic", folder / "model.onnx");
    const CompactReport report = compact_model(folder / "model.onnx", folder / "out.onnx");
    CHECK(report.removed == 0);
    CHECK(report.layers.empty());
    CHECK(to_text(report).find("nothing was removed") != std::string::npos);
    CHECK(to_json(report).find("\"mcompress/compact\"") != std::string::npos);
}

TEST_CASE("a fifth fewer multiply-accumulates cost the CIFAR ResNets no more than 3 points", "[accuracy]") {
    const fs::path data = assets() / "data" / "cifar10";
    if (!fs::exists(data)) {
        std::cout << "not measured: MCOMPRESS_ASSETS is missing\n";
        return;
    }
    const TemporaryFolder folder;
    const Tensor eval = read_npy(data / "eval.npy"), calibration = read_npy(data / "calib.npy");
    const std::vector<std::int64_t> labels = *integers_of(read_npy(data / "eval_labels.npy"));
    for (const char* name : {"resnet20_cifar10", "resnet32_cifar10"}) {
        INFO(name);
        const fs::path model = assets() / "models" / (std::string(name) + ".onnx");
        PruneRequest request = request_of(model, folder / (std::string(name) + ".onnx"), 0.8);
        request.options.data = dataset_of(calibration, load_model(model)->graph->inputs()[0]->name());
        request.options.threads = 2;
        const PruneReport report = prune_model(request);
        CHECK(static_cast<double>(report.after.cost.macs) <= 0.8 * static_cast<double>(report.before.cost.macs));
        const double before = accuracy(model, eval, labels), after = accuracy(request.output, eval, labels);
        std::cout << format("  {}: {} -> {} MACs, top-1 {:.1f} -> {:.1f} %\n", name, report.before.cost.macs, report.after.cost.macs,
                            100.0 * before, 100.0 * after);
        CHECK(after >= before - 0.03);
    }
}
