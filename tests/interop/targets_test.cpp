// What is written for each target, and with each type of activations, is run by ONNX Runtime, and gives what our engine gives.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "../data/temporary_folder.h"
#include "catch.h"
#include "data/array_dataset.h"
#include "engine/engine.h"
#include "fixtures/judge_json.h"
#include "fixtures/random_tensors.h"
#include "onnx/emit.h"
#include "onnx/load.h"
#include "onnx/upgrade.h"
#include "ops/infer.h"
#include "pipeline/compress.h"
#include "quant/target.h"
#include "support/error.h"

using namespace mcompress;
using namespace mcompress::testing;
namespace fs = std::filesystem;

namespace {

struct Subject {
    std::string name;
    QuantizationScheme scheme;
    double bound;  // of the largest output
};

std::vector<Subject> subjects() {
    constexpr double kBytes = 0.05, kWide = 1e-3;
    std::vector<Subject> list;
    for (const Target& target : all_targets()) list.push_back({std::string(target.name), scheme_for(target), kBytes});
    for (const DType dtype : {DType::Int8, DType::UInt16, DType::Int16})
        for (const Symmetry symmetry : {Symmetry::Asymmetric, Symmetry::Symmetric}) {
            QuantizationScheme scheme;
            scheme.activation_dtype = dtype;
            scheme.activation_symmetry = symmetry;
            list.push_back({format("{} {}", dtype_name(dtype), symmetry == Symmetry::Symmetric ? "symmetric" : "asymmetric"), scheme,
                            dtype_bits(dtype) > 8 ? kWide : kBytes});
        }
    QuantizationScheme per_tensor;
    per_tensor.weight_granularity = Granularity::PerTensor;
    list.push_back({"per tensor", per_tensor, kBytes});
    return list;
}

/// The example at the opset.
fs::path example(const TemporaryFolder& folder, int opset) {
    const auto model = load_model(fs::path(MCOMPRESS_SOURCE_DIR) / "examples/digits/digits.onnx");
    infer_types(*model->graph);
    upgrade_opset(*model, opset);
    const fs::path path = folder / format("digits_{}.onnx", opset);
    emit_model(*model, path);
    return path;
}

std::string judged(const fs::path& original, const fs::path& file, const Subject& subject, const Tensor& input) {
    const auto model = load_model(file);
    infer_types(*model->graph);
    CompileOptions options;
    const std::string name = model->graph->inputs()[0]->name();
    options.input_shapes[name] = input.shape();
    const std::vector<Tensor> inputs{input};
    const Tensor output = make_onednn_engine()->compile(*model->graph, options)->run(inputs)[0];
    return format(
        "{{\"kind\":\"quantized\",\"name\":{},\"original\":{},\"model\":{},\"of_largest\":{},\"inputs\":[{}],\"outputs\":[{}]}}\n",
        json_string(file.stem().string()), json_string(original.string()), json_string(file.string()), subject.bound,
        json_tensor(name, input), json_tensor(model->graph->outputs()[0]->name(), output));
}

}  // namespace

TEST_CASE("every target and type of activations agrees with ONNX Runtime", "[interop]") {
    const std::string script = std::string(MCOMPRESS_TESTS_DIR) + "/interop/agree.js";
    if (std::system(format("node '{}' --probe", script).c_str()) != 0) {
        std::cout << "targets not judged: onnxruntime-node is missing\n";
        return;
    }
    const TemporaryFolder folder;
    const Tensor rows = random_tensor(DType::Float32, Shape{8, 1, 32, 32}, 3, {-2.0, 2.0});
    const auto data = make_array_dataset({{"image", "random rows", rows}}, SampleAxis::Leading);
    {
        std::ofstream index(folder / "subjects.jsonl");
        for (const int opset : {13, 21}) {
            const fs::path original = example(folder, opset);
            for (const Subject& subject : subjects()) {
                const fs::path file = folder / format("{} opset {}.onnx", subject.name, opset);
                INFO(file.string());
                QuantizeRequest request{.model = original, .output = file, .scheme = subject.scheme, .data = data.get()};
                request.scheme.effort = Effort::Fast;
                const QuantizeReport report = quantize_model(request);
                CHECK(report.quantized_nodes > 0);
                CHECK((report.wide_nodes == report.quantized_nodes) == (dtype_bits(subject.scheme.activation_dtype) > 8));
                const auto found = report.after.opsets;
                const bool has_contrib =
                    std::any_of(found.begin(), found.end(), [](const auto& each) { return each.first == "com.microsoft"; });
                CHECK(has_contrib == (opset < 21 && dtype_bits(subject.scheme.activation_dtype) > 8));
                index << judged(original, file, subject, rows);
            }
        }
    }
    CHECK(std::system(format("node '{}' '{}' --each", script, folder.path().string()).c_str()) == 0);
}
