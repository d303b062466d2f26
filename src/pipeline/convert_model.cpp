#include "pipeline/convert_model.h"

#include "onnx/upgrade.h"
#include "ops/infer.h"
#include "passes/pipelines.h"
#include "pipeline/prepare.h"
#include "pipeline/summarize.h"
#include "support/error.h"

namespace mcompress {

namespace {

// DequantizeLinear with one scale a channel needs it.
constexpr int kQdqOpset = 13;

bool is_in_form(const ModelSummary& summary, QuantizedForm form) {
    for (const auto& [op, count] : summary.cost.op_counts) {
        const bool on_codes = op.starts_with("QLinear") || op == "QGemm" || op == "MatMulIntegerToFloat";
        if (form == QuantizedForm::QOperator ? on_codes : op == "DequantizeLinear") return true;
    }
    return false;
}

}  // namespace

std::vector<PassRun> convert_graph(Graph& graph, QuantizedForm form) {
    return run_pipeline(form == QuantizedForm::QOperator ? "qoperator" : "qdq", graph, pass_inputs());
}

ConvertReport convert_model(const ConvertRequest& request) {
    ConvertReport report;
    report.form = request.form;
    auto model = load_inlined(request.model);
    infer_types(*model->graph);
    report.before = summarize(*model, request.model);
    if (request.form == QuantizedForm::Qdq) {
        upgrade_opset(*model, kQdqOpset);
        infer_types(*model->graph);
    }
    // Scales that exporters hide behind Identity, Cast or arithmetic on constants have to be plain numbers.
    report.passes = run_pipeline("clean", *model->graph, pass_inputs());
    std::vector<PassRun> runs = convert_graph(*model->graph, request.form);
    report.converted = runs.front().result.rewrites;
    report.kept = runs.front().result.skipped;
    report.passes.insert(report.passes.end(), std::make_move_iterator(runs.begin()), std::make_move_iterator(runs.end()));
    if (report.converted == 0 && !is_in_form(report.before, request.form))
        throw Error(codes::kUsage,
                    format("{} has nothing to convert{}", request.model.string(),
                           report.kept.empty() ? "" : format(": '{}' stays, since {}", report.kept[0].node, report.kept[0].reason)),
                    "mcompress quantize makes an int8 model of a float one");
    report.after = emit_and_summarize(*model, request.output, request.stamp, request.planned);
    return report;
}

}  // namespace mcompress
