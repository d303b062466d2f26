// The main job, one line a stage. What a stage is called here is the folder it lives in.
#include "pipeline/compress.h"

#include "calibrate/calibrator.h"
#include "engine/engine.h"
#include "engine/reference/kernel.h"
#include "ir/fingerprint.h"
#include "onnx/inline_functions.h"
#include "onnx/load.h"
#include "onnx/upgrade.h"
#include "ops/infer.h"
#include "passes/pipelines.h"
#include "pipeline/calibration_file.h"
#include "pipeline/coverage.h"
#include "pipeline/summarize.h"
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

PassInputs pass_inputs(const QuantizationScheme& scheme = {}, const CalibrationTable* table = nullptr) { return {evaluate, scheme, table}; }

void append(std::vector<PassRun>& runs, std::vector<PassRun> more) {
    runs.insert(runs.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// The one way to the graph that calibration tables belong to; its types are inferred already.
std::vector<PassRun> prepare(Model& model) {
    upgrade_opset(model, kQuantizationOpset);
    return run_pipeline("fuse", *model.graph, pass_inputs());
}

CalibrationTable calibrate_graph(Graph& graph, const CalibrateRequest& request) {
    const std::string id = fingerprint(graph);
    run_pipeline("observe", graph, pass_inputs());
    CalibrationTable table =
        calibrate(graph, *make_onednn_engine(), *request.data, {.threads = request.threads, .progress = request.progress});
    run_pipeline("strip", graph, pass_inputs());
    table.fingerprint = id;
    return table;
}

CalibrationTable load_matching_table(const Graph& graph, const std::filesystem::path& path) {
    CalibrationTable table = load_calibration_table(path);
    if (table.fingerprint != fingerprint(graph))
        throw Error(codes::kTableMismatch, format("{} was made for another model or by another version", path.string()),
                    "make it again with mcompress calibrate");
    return table;
}

}  // namespace

std::unique_ptr<Model> load_prepared(const std::filesystem::path& path, std::vector<PassRun>& passes) {
    auto model = load_model(path);
    inline_functions(*model);
    infer_types(*model->graph);
    append(passes, prepare(*model));
    return model;
}

OptimizeReport optimize_model(const std::filesystem::path& path, const std::filesystem::path& output) {
    OptimizeReport report;
    auto model = load_model(path);
    inline_functions(*model);
    infer_types(*model->graph);
    report.before = summarize(*model, path);
    report.passes = run_pipeline("fuse", *model->graph, pass_inputs());
    report.after = emit_and_summarize(*model, output);
    return report;
}

CalibrationTable calibrate_model(const CalibrateRequest& request) {
    std::vector<PassRun> passes;
    const auto model = load_prepared(request.model, passes);
    return calibrate_graph(*model->graph, request);
}

QuantizeReport quantize_model(const QuantizeRequest& request) {
    QuantizeReport report;
    auto model = load_model(request.model);
    inline_functions(*model);
    refuse_quantized(*model->graph);
    infer_types(*model->graph);
    report.before = summarize(*model, request.model);
    append(report.passes, prepare(*model));

    CalibrationTable table;
    QuantizationScheme scheme = request.scheme;
    if (request.data) table = calibrate_graph(*model->graph, {request.model, request.data, request.threads, request.progress});
    else if (!request.calibration.empty()) table = load_matching_table(*model->graph, request.calibration);
    else if (scheme.activations == ActivationMode::Static) scheme.activations = ActivationMode::Float;
    if (scheme.activations == ActivationMode::Static)
        report.calibration = {request.data ? request.data_name : request.calibration.string(), table.samples, table.values.size(),
                              scheme.range_method};

    report.activations = scheme.activations;
    const char* pipeline = scheme.activations == ActivationMode::Dynamic ? "quantize-dynamic" : "quantize";
    append(report.passes, run_pipeline(pipeline, *model->graph, pass_inputs(scheme, &table)));
    report.after = emit_and_summarize(*model, request.output);
    measure_coverage(*model->graph, report);
    return report;
}

}  // namespace mcompress
