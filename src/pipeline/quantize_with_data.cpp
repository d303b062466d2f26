#include "pipeline/quantize_with_data.h"

#include "engine/engine.h"
#include "pipeline/precision_stage.h"
#include "pipeline/quantize_graph.h"
#include "pipeline/summarize_ranges.h"
#include "tune/equalize_layers.h"

namespace mcompress {

namespace {

/// Compares with the float graph and keeps the budget; puts a graph with more left in float in its place where it has to. False when the budget cannot be kept.
bool secure_accuracy(const CalibratedGraph& calibrated, const QuantizeRequest& request, QuantizedGraph& quantized, QuantizeReport& report) {
    if (!request.budget) {
        report.self_check = check_self(calibrated, quantized);
        return true;
    }
    report.budget = keep_budget(calibrated, quantized, *request.budget);
    return report.budget->met;
}

}  // namespace

bool quantize_with_data(Model& model, const QuantizationScheme& wanted, const QuantizeRequest& request, QuantizeReport& report) {
    Tuning tuning = make_tuning(*model.graph, wanted, *request.data, request.threads, request.progress);
    if (request.equalization == Equalization::Always && wanted.effort == Effort::Fast)
        equalize_layers(*model.graph, *make_onednn_engine(), tuning);
    const CalibrationTable table = calibrate_and_decide(*model.graph, tuning);
    check_rescaled_overrides(*model.graph, request.overrides);
    const CalibratedGraph calibrated{*model.graph, table, tuning};
    QuantizedGraph quantized = build_quantized(calibrated, tuning.scheme);
    const bool is_secured = secure_accuracy(calibrated, request, quantized, report);
    report.ranges = summarize_ranges(*quantized.graph, table);
    report.calibration = {request.data_name, table.samples, table.values.size(), tuning.scheme.range_method};
    model.graph = std::move(quantized.graph);
    model.opset_imports = model.graph->opset_imports();
    for (PassRun& run : quantized.passes) report.passes.push_back(std::move(run));
    report.tuning = std::move(quantized.tuning.notes);
    return is_secured;
}

}  // namespace mcompress
