#include "pipeline/quantize_weights_only.h"

#include <iterator>

#include "onnx/upgrade.h"
#include "passes/pipelines.h"
#include "pipeline/prepare.h"
#include "pipeline/quantize_graph.h"
#include "tune/fit_block_codes.h"

namespace mcompress {
namespace {

constexpr int kBlockOpset = 21;  // of DequantizeLinear in blocks

void run(const char* pipeline, Model& model, const PassInputs& inputs, QuantizeReport& report) {
    for (PassRun& pass : run_pipeline(pipeline, *model.graph, inputs)) report.passes.push_back(std::move(pass));
}

}  // namespace

void quantize_weights_only(Model& model, const QuantizationScheme& scheme, const QuantizeRequest& request, QuantizeReport& report) {
    if (scheme.weight_only.block == 0) {
        run("quantize-channels", model, pass_inputs(scheme), report);
        return;
    }
    if (scheme.weight_only.form == WeightForm::DequantizeLinear) upgrade_opset(model, kBlockOpset);
    run("quantize-embeddings", model, pass_inputs(scheme), report);
    const bool looks = request.data && scheme.weight_only.rounding == WeightRounding::Gptq;
    std::shared_ptr<const Dataset> data;
    if (looks) data = make_tuning(*model.graph, scheme, *request.data, request.threads, {}).data;
    BlockFit fit = fit_block_codes(*model.graph, scheme, data, request.threads, as_stage(request.progress, "fitting weights"));
    PassInputs inputs = pass_inputs(scheme);
    inputs.weight_codes = &fit.codes;
    run("quantize-blocks", model, inputs, report);
    if (looks) report.calibration = {request.data_name, request.data->size(), 0, {}};
    report.weight_only = scheme.weight_only;
    report.weights = std::move(fit.weights);
}

}  // namespace mcompress
