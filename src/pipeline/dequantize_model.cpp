#include "pipeline/dequantize_model.h"

#include <algorithm>
#include <array>

#include "onnx/upgrade.h"
#include "ops/infer.h"
#include "passes/pipelines.h"
#include "passes/quantize/float_forms.h"
#include "passes/quantize/qoperator_forms.h"
#include "pipeline/prepare.h"
#include "support/error.h"

namespace mcompress {

namespace {

constexpr int kQuantizationOpset = 13;

constexpr std::array<std::string_view, 5> kQuantizationOps{"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Quant",  // QONNX
                                                           "BipolarQuant"};

bool is_quantization(const Node& node) {
    return std::find(kQuantizationOps.begin(), kQuantizationOps.end(), node.op_type()) != kQuantizationOps.end() ||
           find_form_of_quantized(node) || has_float_form(node) || node.op_type().starts_with("QLinear");
}

/// Codes that the model's callers give or take stay codes.
bool is_interface(const Node& node) {
    if (node.is("DequantizeLinear")) return node.input(0) && node.input(0)->is_graph_input();
    return node.is("QuantizeLinear") && node.output(0)->is_graph_output();
}

template <typename Visit> void for_each_quantization(const Graph& graph, Visit&& visit) {
    for_each_graph(const_cast<Graph&>(graph), [&](Graph& each) {
        for (const Node* node : each.nodes())
            if (is_quantization(*node)) visit(*node);
    });
}

std::string reason_for(const Node& node, const std::vector<PassRun>& runs) {
    for (const PassRun& run : runs)
        for (const Skip& skip : run.result.skipped)
            if (skip.node == node.display_name()) return skip.reason;
    return "it has no float form";
}

}  // namespace

void refuse_quantized(const Graph& graph) {
    for_each_quantization(graph, [](const Node& node) {
        throw Error(codes::kAlreadyQuantized,
                    format("the model is quantized already: node '{}' is a {}", node.display_name(), node.op_type()),
                    "start from the float model, or pass --requantize to take the quantization out first");
    });
}

std::optional<DequantizeSummary> dequantize_model(Model& model, std::vector<PassRun>& passes) {
    DequantizeSummary summary;
    for_each_quantization(*model.graph, [&](const Node& node) { ++summary.operators[node.op_type()]; });
    if (summary.operators.empty()) return std::nullopt;
    upgrade_opset(model, kQuantizationOpset);
    infer_types(*model.graph);
    // Scales that exporters hide behind Identity, Cast or arithmetic on constants have to be plain numbers.
    std::vector<PassRun> runs = run_pipeline("clean", *model.graph, pass_inputs());
    for (PassRun& run : run_pipeline("dequantize", *model.graph, pass_inputs())) runs.push_back(std::move(run));
    for_each_quantization(*model.graph, [&](const Node& node) {
        if (is_interface(node)) return;
        throw Error(codes::kAlreadyQuantized,
                    format("the quantization cannot be taken out: {} stays, since {}", node.label(), reason_for(node, runs)),
                    "start from the float model");
    });
    passes.insert(passes.end(), std::make_move_iterator(runs.begin()), std::make_move_iterator(runs.end()));
    return summary;
}

}  // namespace mcompress
