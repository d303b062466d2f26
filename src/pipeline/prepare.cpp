#include "pipeline/prepare.h"

#include "engine/reference/kernel.h"
#include "onnx/inline_functions.h"
#include "onnx/load.h"
#include "onnx/sparse_constants.h"
#include "onnx/upgrade.h"
#include "ops/infer.h"
#include "passes/codebook.h"
#include "passes/pipelines.h"
#include "support/error.h"
#include "support/log.h"

namespace mcompress {

namespace {

// Per-channel QuantizeLinear and DequantizeLinear need it.
constexpr int kQuantizationOpset = 13;

// fold-constants evaluates nodes; passes know no engine, so the two meet here. A node that cannot be evaluated simply stays.
std::optional<std::vector<Tensor>> evaluate(const Node& node, std::span<const Tensor> inputs) {
    try {
        return evaluate_node(node, inputs);
    } catch (const Error& error) {
        log_debug("'{}' is not folded: {}", node.display_name(), error.what());
        return std::nullopt;
    }
}

}  // namespace

std::unique_ptr<Model> load_inlined(const std::filesystem::path& path) {
    auto model = load_model(path);
    inline_functions(*model);
    expand_sparse_constants(*model->graph);
    return model;
}

PassInputs pass_inputs(const QuantizationScheme& scheme, const CalibrationTable* table) { return {evaluate, scheme, table}; }

std::vector<PassRun> prepare(Model& model) {
    upgrade_opset(model, kQuantizationOpset);
    // Weights get codes of their own: from what a codebook says they are.
    std::vector<PassRun> runs;
    if (holds_codebooks(*model.graph)) runs = run_pipeline("strip-codebooks", *model.graph, pass_inputs());
    for (PassRun& run : run_pipeline("fuse", *model.graph, pass_inputs())) runs.push_back(std::move(run));
    return runs;
}

std::unique_ptr<Model> load_prepared(const std::filesystem::path& path, std::vector<PassRun>& passes) {
    auto model = load_inlined(path);
    infer_types(*model->graph);
    for (PassRun& run : prepare(*model)) passes.push_back(std::move(run));
    return model;
}

}  // namespace mcompress
