// Models of every family and every real model without 30 % of their channels: ONNX Runtime loads them and gives what our engine gives; masked and compacted they
// give what the masked model gave.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>

#include "../data/temporary_folder.h"
#include "catch.h"
#include "engine/engine.h"
#include "fixtures/assets.h"
#include "fixtures/judge_json.h"
#include "fixtures/mask_channels.h"
#include "fixtures/model_families.h"
#include "fixtures/onnx_case.h"
#include "fixtures/random_tensors.h"
#include "ir/clone.h"
#include "ir/verify.h"
#include "onnx/emit.h"
#include "onnx/load.h"
#include "ops/infer.h"
#include "passes/compress/remove_channels.h"
#include "passes/pipelines.h"
#include "pipeline/prepare.h"
#include "support/error.h"
#include "tensor/compare.h"

using namespace mcompress;
using namespace mcompress::testing;
namespace fs = std::filesystem;

namespace {

constexpr double kTolerance = 1e-4;  // of the largest number
/// float16 is rounded after every operator here, after several there.
constexpr double kHalf = 0.02, kQuantized = 0.1;

std::vector<Tensor> run(const Graph& graph, const std::vector<Tensor>& inputs) {
    CompileOptions options;
    for (std::size_t at = 0; at < inputs.size(); ++at)
        if (inputs[at].defined()) options.input_shapes[graph.inputs()[at]->name()] = inputs[at].shape();
    return make_onednn_engine()->compile(graph, options)->run(inputs);
}

double worst_difference(const std::vector<Tensor>& found, const std::vector<Tensor>& expected) {
    double worst = 0.0;
    for (std::size_t at = 0; at < found.size(); ++at) {
        if (!expected[at].defined() || !is_float(expected[at].dtype())) continue;
        if (found[at].shape() != expected[at].shape()) return HUGE_VAL;
        ErrorMeasure measure;
        measure.add(to_floats(expected[at]), to_floats(found[at]));
        if (measure.not_finite > 0) return HUGE_VAL;
        worst = std::max(worst, measure.max_absolute / std::max(measure.max_reference, 1e-2));
    }
    return worst;
}

struct Subject {
    std::string name;
    std::unique_ptr<Model> model;
    std::vector<Tensor> inputs;
    double tolerance = kTolerance;
};

/// Small token numbers, pixels up to `brightest`.
std::vector<Tensor> inputs_of(const Graph& graph, double brightest) {
    std::map<std::string, ValueBounds> bounds;
    for (const Value* input : graph.inputs())
        bounds[input->name()] = is_float(input->type().dtype) ? ValueBounds{0.0, brightest} : ValueBounds{0.0, 39.0};
    return random_inputs(graph, 5, {{"N", 2}, {"", 1}}, bounds);
}

void write_line(std::ofstream& index, const Subject& subject, const fs::path& original, const fs::path& file,
                const std::vector<Tensor>& outputs) {
    std::vector<std::string> given, found;
    const Graph& graph = *subject.model->graph;
    for (std::size_t at = 0; at < subject.inputs.size(); ++at)
        if (subject.inputs[at].defined()) given.push_back(json_tensor(graph.inputs()[at]->name(), subject.inputs[at]));
    for (std::size_t at = 0; at < outputs.size(); ++at) found.push_back(json_tensor(graph.outputs()[at]->name(), outputs[at]));
    const auto as_is = [](const std::string& text) { return text; };
    index << format("{{\"kind\":\"pruned\",\"name\":{},\"original\":{},\"model\":{},\"of_largest\":{},\"inputs\":{},\"outputs\":{}}}\n",
                    json_string(subject.name), json_string(original.string()), json_string(file.string()), subject.tolerance,
                    json_list(given, as_is), json_list(found, as_is));
}

/// Removes channels at random, compares with the masked model, compacts the masked one; writes what ONNX Runtime is to judge.
void check(Subject& subject, const fs::path& folder, std::ofstream& index) {
    const fs::path original = folder / (subject.name + ".onnx"), file = folder / (subject.name + ".pruned.onnx");
    emit_model(*subject.model, original);
    Graph& graph = *subject.model->graph;
    const auto masked = clone(graph);
    const ChannelUnits masked_units = find_channel_units(*masked), units = find_channel_units(graph);
    const std::vector<bool> removed = random_units(units, 11);
    const auto count = std::count(removed.begin(), removed.end(), true);
    mask_channels(masked_units, removed);
    remove_channels(graph, units, removed);
    run_pipeline("sweep", graph, {});
    CHECK(verify(graph).empty());
    const std::vector<Tensor> outputs = run(graph, subject.inputs), expected = run(*masked, subject.inputs);
    const double difference = worst_difference(outputs, expected);
    CHECK(difference <= subject.tolerance);
    const auto compacted = clone(*masked);
    int compact = 0;
    for (const PassRun& pass : run_pipeline("compact", *compacted, pass_inputs()))
        if (pass.name == "compact") compact += pass.result.rewrites;
    const double compact_difference = worst_difference(run(*compacted, subject.inputs), expected);
    CHECK(compact_difference <= subject.tolerance);
    std::cout << format("  {}: {} units, {} frozen layers, removed {} ({:.1e} from the masked model), compact {} ({:.1e})\n", subject.name,
                        units.count, units.frozen.size(), count, difference, compact, compact_difference);
    emit_model(*subject.model, file);
    write_line(index, subject, original, file, outputs);
}

bool has_judge(const std::string& script) {
    if (std::system(format("node '{}' --probe", script).c_str()) == 0) return true;
    std::cout << "pruned models not judged: onnxruntime-node is missing\n";
    return false;
}

void judge(const fs::path& folder, const std::string& script) {
    std::cout.flush();
    CHECK(std::system(format("node '{}' '{}' --each", script, folder.string()).c_str()) == 0);
}

const std::string kScript = std::string(MCOMPRESS_TESTS_DIR) + "/interop/agree.js";

}  // namespace

TEST_CASE("families without 30 % of their channels run in ONNX Runtime", "[interop]") {
    const TemporaryFolder folder;
    {
        std::ofstream index(folder / "subjects.jsonl");
        for (const ModelFamily& family : model_families()) {
            INFO(family.name);
            Subject subject{std::string(family.name), family.make(), {}};
            subject.inputs = inputs_of(*subject.model->graph, 1.0);
            check(subject, folder.path(), index);
        }
    }
    if (has_judge(kScript)) judge(folder.path(), kScript);
}

TEST_CASE("real models without 30 % of their channels run in ONNX Runtime", "[interop]") {
    if (!fs::exists(assets() / "models")) {
        std::cout << "real models not pruned: MCOMPRESS_ASSETS is missing\n";
        return;
    }
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(assets() / "models"))
        if (entry.path().extension() == ".onnx") names.push_back(entry.path().stem().string());
    std::sort(names.begin(), names.end());
    if (const char* only = std::getenv("MCOMPRESS_ONLY")) std::erase_if(names, [&](const std::string& name) { return name != only; });
    const bool is_judged = has_judge(kScript);
    for (const std::string& name : names) {
        INFO(name);
        const TemporaryFolder folder;
        try {
            Subject subject{name, load_inlined(assets() / "models" / (name + ".onnx")), {}};
            infer_types(*subject.model->graph);
            const fs::path stored = assets() / "expected" / name;
            subject.inputs = fs::exists(stored) ? load_data_set(data_set_folders(stored)[0], *subject.model->graph).inputs
                                                : inputs_of(*subject.model->graph, 255.0);
            if (name.find("half") != std::string::npos || name.find("fp16") != std::string::npos) subject.tolerance = kHalf;
            if (name.starts_with("q_")) subject.tolerance = kQuantized;
            run_pipeline("clean", *subject.model->graph, pass_inputs());
            {
                std::ofstream index(folder / "subjects.jsonl");
                check(subject, folder.path(), index);
            }
            if (is_judged) judge(folder.path(), kScript);
        } catch (const std::exception& error) {
            FAIL_CHECK(name << ": " << error.what());
        }
    }
}
