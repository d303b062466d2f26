// The main job, one line a stage. What a stage is called here is the folder it lives in.
#include "pipeline/compress.h"

#include "ir/fingerprint.h"
#include "ops/infer.h"
#include "passes/pipelines.h"
#include "passes/quantize/quantization_plan.h"
#include "passes/quantize/small_products.h"
#include "pipeline/calibration_file.h"
#include "pipeline/convert_model.h"
#include "pipeline/coverage.h"
#include "pipeline/dequantize_model.h"
#include "pipeline/quantize_graph.h"
#include "pipeline/quantize_weights_only.h"
#include "pipeline/quantize_with_data.h"
#include "pipeline/summarize.h"
#include "pipeline/summarize_ranges.h"
#include "support/error.h"

namespace mcompress {

namespace {

void append(std::vector<PassRun>& runs, std::vector<PassRun> more) {
    runs.insert(runs.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

CalibrationTable load_matching_table(const Graph& graph, const std::filesystem::path& path) {
    CalibrationTable table = load_calibration_table(path);
    if (table.fingerprint != fingerprint(graph))
        throw Error(codes::kTableMismatch, format("{} was made for another model or by another version", path.string()),
                    "make it again with mcompress calibrate");
    return table;
}

void quantize_with_table(Graph& graph, const QuantizationScheme& scheme, const QuantizeRequest& request, QuantizeReport& report) {
    check_rescaled_overrides(graph, request.overrides);
    const CalibrationTable table = load_matching_table(graph, request.calibration);
    append(report.passes, run_pipeline("quantize", graph, pass_inputs(scheme, &table)));
    report.ranges = summarize_ranges(graph, table);
    if (scheme.effort != Effort::Fast)
        report.tuning.push_back(
            {"fit", "", "nothing was fitted: a stored table has ranges, no samples (with --data, weights are fitted to them)"});
    report.calibration = {request.calibration.string(), table.samples, table.values.size(), scheme.range_method};
}

void write_form(Graph& graph, QuantizedForm form, QuantizeReport& report) {
    if (form == QuantizedForm::Qdq || report.activations == ActivationMode::Dynamic) return;  // dynamic operators work on codes anyway
    if (report.activations == ActivationMode::Float)
        throw Error(codes::kUsage, "operators on codes need quantized activations",
                    "pass --data with a few representative samples, or --dynamic");
    append(report.passes, convert_graph(graph, form));
    for (const Skip& skip : report.passes[report.passes.size() - 2].result.skipped) report.notes.push_back(skip);
}

/// What the user and the target decide about single nodes and values.
void decide_as_told(const Graph& graph, const QuantizeRequest& request, QuantizationScheme& scheme) {
    apply_selection(graph, request.selection, scheme);
    apply_overrides(request.overrides, scheme);
    check_scheme(scheme);
    keep_unfused_in_float(graph, scheme);
    check_overrides(graph, request.overrides, scheme);
}

}  // namespace

OptimizeReport optimize_model(const std::filesystem::path& path, const std::filesystem::path& output, const OptimizeSettings& settings) {
    OptimizeReport report;
    auto model = load_inlined(path);
    infer_types(*model->graph);
    report.before = summarize(*model, path);
    PassInputs inputs = pass_inputs();
    inputs.widening = Widening::Keep;
    report.passes = run_pipeline("fuse", *model->graph, inputs, {.stage = "optimizing", .progress = settings.progress});
    if (settings.inside == Inside::Strip) append(report.passes, run_pipeline("strip-inside", *model->graph, inputs));
    report.after = emit_as(*model, output, settings.sparse, settings.stamp, settings.planned).summary;
    return report;
}

CalibrationTable calibrate_model(const CalibrateRequest& request) {
    std::vector<PassRun> passes;
    const auto model = load_prepared(request.model, passes);
    QuantizationScheme scheme = request.scheme;
    keep_unfused_in_float(*model->graph, scheme);
    return make_tuning(*model->graph, scheme, *request.data, request.threads, request.progress).calibrate(*model->graph);
}

QuantizeReport quantize_model(const QuantizeRequest& request) {
    QuantizeReport report;
    auto model = load_inlined(request.model);
    if (request.quantized_input == QuantizedInput::Refuse) refuse_quantized(*model->graph);
    infer_types(*model->graph);
    report.before = summarize(*model, request.model);
    report.dequantized = dequantize_model(*model, report.passes);
    append(report.passes, prepare(*model));
    QuantizationScheme scheme = request.scheme;
    const bool is_static = scheme.activations == ActivationMode::Static;
    if (is_static && !request.data && request.calibration.empty()) scheme.activations = ActivationMode::Float;
    decide_as_told(*model->graph, request, scheme);
    report.activations = scheme.activations;
    report.scheme = scheme;
    if (scheme.activations == ActivationMode::Float) {
        quantize_weights_only(*model, scheme, request, report);
    } else if (scheme.activations == ActivationMode::Dynamic) {
        leave_small_products(*model->graph, scheme);
        append(report.passes, run_pipeline("quantize-dynamic", *model->graph, pass_inputs(scheme)));
    } else if (request.data) {
        if (!quantize_with_data(*model, scheme, request, report)) return report;
    } else {
        quantize_with_table(*model->graph, scheme, request, report);
    }
    model->metadata.insert(model->metadata.end(), request.metadata.begin(), request.metadata.end());
    measure_coverage(*model->graph, report);
    report.saturation = summarize_saturation(*model->graph);
    write_form(*model->graph, request.form, report);
    report.after = emit_and_summarize(*model, request.output, request.stamp, request.planned);
    return report;
}

}  // namespace mcompress
