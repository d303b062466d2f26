#include "pipeline/quantize_with_data.h"

#include "ir/clone.h"
#include "pipeline/precision_stage.h"
#include "pipeline/quantize_graph.h"

namespace mcompress {

namespace {

/// Compares with the float graph and keeps the budget; decides in the scheme what has to stay in float. False when the budget cannot be kept.
bool secure_accuracy(const CalibratedGraph& calibrated, const Graph& quantized, const QuantizeRequest& request, QuantizationScheme& scheme,
                     QuantizeReport& report) {
    if (!request.budget) {
        report.self_check = check_self(calibrated, quantized, scheme);
        return true;
    }
    report.budget = keep_budget(calibrated, quantized, *request.budget, scheme);
    return report.budget->met;
}

}  // namespace

bool quantize_with_data(Model& model, const QuantizationScheme& wanted, const QuantizeRequest& request, QuantizeReport& report) {
    Tuning tuning = make_tuning(*model.graph, wanted, *request.data, request.threads, request.progress);
    const CalibrationTable table = calibrate_and_decide(*model.graph, tuning);
    const std::unique_ptr<Graph> exact = clone(*model.graph);
    const Tuning before = tuning;
    std::vector<PassRun> passes = quantize_graph(*model.graph, tuning, table, QuantizeFinish::Complete);

    QuantizationScheme scheme = tuning.scheme;
    const bool is_secured = secure_accuracy({*exact, table, before}, *model.graph, request, scheme, report);
    if (scheme.keep_float != tuning.scheme.keep_float || scheme.activation_dtypes != tuning.scheme.activation_dtypes) {
        tuning = before;
        tuning.scheme = scheme;
        model.graph = clone(*exact);
        model.opset_imports = model.graph->opset_imports();
        passes = quantize_graph(*model.graph, tuning, table, QuantizeFinish::Complete);
    }
    for (PassRun& run : passes) report.passes.push_back(std::move(run));
    report.calibration = {request.data_name, table.samples, table.values.size(), tuning.scheme.range_method};
    report.tuning = std::move(tuning.notes);
    return is_secured;
}

}  // namespace mcompress
