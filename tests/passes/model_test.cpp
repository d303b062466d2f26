// Properties of the passes on published and real models: the graph stays valid, a second run changes nothing, the outputs stay equal.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "catch.h"
#include "fixtures/assets.h"
#include "onnx/load.h"
#include "passes/equivalence.h"
#include "passes/pipelines.h"
#include "support/error.h"

using namespace mcompress;
using namespace mcompress::testing;
namespace fs = std::filesystem;

namespace {

fs::path testdata() {
    const char* given = std::getenv("MCOMPRESS_ONNX_TESTDATA");
    return given ? given : "/usr/share/libonnx-testdata/data";
}

std::vector<fs::path> models_below(const fs::path& folder) {
    std::vector<fs::path> paths;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
        if (entry.path().extension() == ".onnx") paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    return paths;
}

/// input_0.pb … in the order of the graph's inputs.
std::vector<Tensor> stored_inputs(const fs::path& data_set, const Graph& graph) {
    std::vector<Tensor> tensors(graph.inputs().size());
    for (std::size_t at = 0; fs::exists(data_set / format("input_{}.pb", at)); ++at) {
        std::string name;
        Tensor tensor = load_tensor(data_set / format("input_{}.pb", at), &name);
        std::size_t place = at;
        for (std::size_t index = 0; index < tensors.size(); ++index)
            if (graph.inputs()[index]->name() == name) place = index;
        if (place < tensors.size()) tensors[place] = std::move(tensor);
    }
    return tensors;
}

int total(const std::vector<PassRun>& runs) {
    int rewrites = 0;
    for (const PassRun& run : runs) rewrites += run.result.rewrites;
    return rewrites;
}

int count_ops(Graph& graph, std::string_view op) {
    int count = 0;
    for_each_graph(graph, [&](Graph& each) {
        for (const Node* node : each.nodes()) count += node->is(op) ? 1 : 0;
    });
    return count;
}

struct Tally {
    int loaded = 0;
    int executed = 0;
    int rewritten = 0;
};

/// Nothing when the model cannot be executed as it is (no data, no kernel).
std::optional<std::vector<Tensor>> outputs_before(const Graph& graph, const fs::path& data_set, InputsByName& inputs) {
    try {
        if (!fs::exists(data_set)) return std::nullopt;
        inputs = by_name(graph, stored_inputs(data_set, graph));
        return run_reference(graph, inputs);
    } catch (const Error&) {
        return std::nullopt;
    }
}

const PassInputs& pass_inputs() {
    static const PassInputs inputs{reference_evaluator(), {}, nullptr};
    return inputs;
}

/// Loads the model anew, runs `rewrite` twice and compares; returns the rewritten model.
template <typename Rewrite>
std::unique_ptr<Model> check_rewrite(const fs::path& path, const fs::path& data_set, double tolerance, Tally& tally, Rewrite&& rewrite) {
    auto model = load_model(path);
    InputsByName inputs;
    const auto expected = outputs_before(*model->graph, data_set, inputs);
    const int rewrites = total(rewrite(*model->graph));
    CHECK(total(rewrite(*model->graph)) == 0);
    ++tally.loaded;
    tally.executed += expected ? 1 : 0;
    tally.rewritten += rewrites > 0 ? 1 : 0;
    if (expected && rewrites > 0) CHECK(difference(*expected, run_reference(*model->graph, inputs), tolerance) == "");
    return model;
}

template <typename Action> void expect_no_error(const Action& action) {
    try {
        action();
    } catch (const std::exception& error) {
        FAIL_CHECK(error.what());
    }
}

}  // namespace

TEST_CASE("pipelines keep the published ONNX models") {
    if (!fs::exists(testdata())) {
        WARN("the package libonnx-testdata is not installed: nothing was tested");
        return;
    }
    for (const std::string_view pipeline : {"clean", "fuse"}) {
        Tally tally;
        for (const fs::path& path : models_below(testdata())) {
            INFO(pipeline << " " << path.string());
            expect_no_error([&] {
                check_rewrite(path, path.parent_path() / "test_data_set_0", 1e-5, tally,
                              [&](Graph& graph) { return run_pipeline(pipeline, graph, pass_inputs()); });
            });
        }
        WARN(pipeline << ": " << tally.loaded << " models, " << tally.executed << " executed, " << tally.rewritten << " rewritten");
        CHECK(tally.loaded > 1000);
        CHECK(tally.executed > 800);
        CHECK(tally.rewritten > 50);
    }
}

TEST_CASE("every clean and fuse pass alone keeps the published ONNX models") {
    if (!fs::exists(testdata())) {
        WARN("the package libonnx-testdata is not installed: nothing was tested");
        return;
    }
    const auto paths = models_below(testdata());
    for (const PassRow& row : all_passes()) {
        if (row.family == PassFamily::Quantize || row.family == PassFamily::Compress) continue;
        Tally tally;
        for (const fs::path& path : paths) {
            INFO(row.name << " " << path.string());
            expect_no_error([&] {
                check_rewrite(path, path.parent_path() / "test_data_set_0", 1e-5, tally, [&](Graph& graph) {
                    PassManager manager;
                    manager.add(row.make(pass_inputs()));
                    return manager.run_once(graph);
                });
            });
        }
        WARN(row.name << ": " << tally.rewritten << " of " << tally.loaded << " models rewritten");
    }
}

TEST_CASE("real models keep their outputs under the fuse pipeline", "[accuracy]") {
    if (!fs::exists(assets() / "models")) {
        WARN("no assets folder (MCOMPRESS_ASSETS): nothing was tested");
        return;
    }
    const char* only = std::getenv("MCOMPRESS_ONLY");
    Tally tally;
    std::string table;
    for (const fs::path& path : models_below(assets() / "models")) {
        const std::string name = path.stem().string();
        if (only && name != only) continue;
        INFO(name);
        expect_no_error([&] {
            const auto before = load_model(path);
            // Models in half precision round fused weights once more, quantized ones step where a sum rounds otherwise.
            const bool is_coarse = name.starts_with("q_") || name.ends_with("_half") || name.find("fp16") != std::string::npos;
            const auto after = check_rewrite(path, assets() / "expected" / name / "test_data_set_0", is_coarse ? 5e-2 : 1e-4, tally,
                                             [](Graph& graph) { return run_pipeline("fuse", graph, pass_inputs()); });
            table += format("\n  {:36} {:5} → {:5} nodes, {:3} → {:3} BatchNormalization", name, before->graph->node_count(),
                            after->graph->node_count(), count_ops(*before->graph, "BatchNormalization"),
                            count_ops(*after->graph, "BatchNormalization"));
        });
    }
    WARN(tally.loaded << " models, " << tally.executed << " executed, " << tally.rewritten << " rewritten" << table);
    CHECK(tally.loaded > 0);
}

TEST_CASE("no BatchNormalization is left in real convolutional networks") {
    if (!fs::exists(assets() / "models")) {
        WARN("no assets folder (MCOMPRESS_ASSETS): nothing was tested");
        return;
    }
    for (const char* name : {"mobilenet_v1_025_224", "resnet20_cifar10", "resnet32_cifar10", "ultraface_rfb_320", "ppocrv3_det"}) {
        INFO(name);
        const auto model = load_model(assets() / "models" / (std::string(name) + ".onnx"));
        run_pipeline("fuse", *model->graph, pass_inputs());
        CHECK(count_ops(*model->graph, "BatchNormalization") == 0);
    }
}
