#include "pipeline/summarize.h"

#include <algorithm>

#include "ir/fingerprint.h"
#include "onnx/emit.h"
#include "passes/quantize/paired_product.h"
#include "support/format.h"

namespace mcompress {

namespace {

bool has_op(const GraphCost& cost, std::string_view op) { return cost.op_counts.contains(std::string(op)); }

// The kind of model a person would call it: by its quantization operators first, then by the dtype of most parameter bytes.
std::string name_precision(const GraphCost& cost) {
    for (const auto& [op, count] : cost.op_counts)
        if (op.starts_with("QLinear") || op == "QGemm") return "int8 (QOperator)";
    if (has_op(cost, "DynamicQuantizeLinear") || has_op(cost, "ConvInteger") || has_op(cost, "MatMulInteger")) return "int8 (dynamic)";
    if (has_op(cost, "DequantizeLinear")) return has_op(cost, "QuantizeLinear") ? "int8 (QDQ)" : "int8 weights, float activations";
    const auto most = std::max_element(cost.bytes_by_dtype.begin(), cost.bytes_by_dtype.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == cost.bytes_by_dtype.end() ? "no parameters" : most->first;
}

}  // namespace

std::uint64_t model_file_bytes(const Model& model, const std::filesystem::path& path) {
    std::error_code error;
    std::uint64_t bytes = std::filesystem::file_size(path, error);
    if (error) bytes = 0;
    for (const auto& file : model.external_files) {
        const std::uint64_t size = std::filesystem::file_size(file, error);
        if (!error) bytes += size;
    }
    return bytes;
}

ModelSummary summarize(const Model& model, const std::filesystem::path& path) {
    ModelSummary summary;
    summary.path = path.string();
    summary.bytes = model_file_bytes(model, path);
    summary.ir_version = model.ir_version;
    summary.producer = model.producer_name + (model.producer_version.empty() ? "" : " " + model.producer_version);
    summary.opsets.assign(model.opset_imports->begin(), model.opset_imports->end());
    for (const Value* input : model.graph->inputs()) summary.inputs.emplace_back(input->name(), input->type().to_string());
    for (const Value* output : model.graph->outputs()) summary.outputs.emplace_back(output->name(), output->type().to_string());
    summary.nodes = model.graph->node_count();
    summary.cost = measure_cost(*model.graph);
    summary.precision = name_precision(summary.cost);
    summary.fingerprint = fingerprint(model);
    return summary;
}

ModelSummary emit_and_summarize(Model& model, const std::filesystem::path& path, const std::optional<Stamp>& stamp, PlannedFiles* planned) {
    drop_stamp(model);
    const EmitResult written = emit_model(model, path, {.stamp = stamp ? &*stamp : nullptr, .planned = planned});
    model.external_files.assign(written.data_file.empty() ? 0 : 1, written.data_file);
    ModelSummary summary = summarize(model, path);
    if (planned) summary.bytes = written.bytes;  // whatever lies there now
    return summary;
}

StepSummary summarize_steps(const ExecutionPlan& plan) {
    StepSummary summary;
    summary.details.assign(plan.steps().begin(), plan.steps().end());
    summary.steps = summary.details.size();
    summary.int8_steps = static_cast<std::size_t>(std::count_if(summary.details.begin(), summary.details.end(), [](const StepInfo& step) {
        return step.precision.starts_with("u8") || step.precision.starts_with("s8");
    }));
    return summary;
}

std::optional<SaturationSummary> summarize_saturation(const Graph& graph) {
    const std::vector<PairRisk> risks = find_pair_risks(graph);
    if (risks.empty()) return std::nullopt;
    SaturationSummary summary;
    for (const PairRisk& risk : risks) {
        ++summary.products;
        summary.channels += risk.channels;
        summary.at_risk += risk.at_risk;
        if (risk.worst_pair <= summary.worst_pair) continue;
        summary.worst_pair = risk.worst_pair;
        summary.worst_node = risk.node;
    }
    return summary;
}

}  // namespace mcompress
