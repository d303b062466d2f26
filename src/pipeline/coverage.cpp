#include "pipeline/coverage.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "ops/attributes.h"
#include "ops/cost.h"
#include "passes/quantize/fusable_groups.h"
#include "passes/quantize/quantized_view.h"
#include "passes/registry.h"
#include "support/error.h"
#include "support/saturating.h"

namespace mcompress {

namespace {

constexpr std::array<std::string_view, 12> kComputeOps{
    "Conv", "ConvTranspose", "Gemm",       "MatMul",    "MatMulInteger",       "LSTM",
    "GRU",  "RNN",           "QAttention", "Attention", "DynamicQuantizeLSTM", "MatMulNBits"};
constexpr std::array<std::string_view, 3> kDynamicOps{"MatMulInteger", "QAttention", "DynamicQuantizeLSTM"};

bool is_compute(const Node& node) { return std::find(kComputeOps.begin(), kComputeOps.end(), node.op_type()) != kComputeOps.end(); }

bool is_dequantized(const Node& node, int index) {
    const Node* producer = node.input(index) ? node.input(index)->producer() : nullptr;
    return producer && is_dequantizer(*producer) && &producer->graph() == &node.graph();
}

bool has_coded_weight(const Node& node) {
    if (node.is("com.microsoft", "MatMulNBits")) return true;
    // An output layer that shares the table of an embedding reads it turned over.
    const Node* producer = node.input(1) ? node.input(1)->producer() : nullptr;
    return is_dequantized(node, 1) || (producer && producer->is("Transpose") && is_dequantized(*producer, 0));
}

// With activations in float only the weight has to be an integer.
bool is_quantized(const Node& node, const QuantizeReport& report) {
    if (report.activations == ActivationMode::Float) return has_coded_weight(node);
    if (report.activations == ActivationMode::Dynamic)
        return std::find(kDynamicOps.begin(), kDynamicOps.end(), node.op_type()) != kDynamicOps.end();
    return is_dequantized(node, 0) && is_dequantized(node, 1);
}

/// Codes of constants, in bytes of the floats they stand for, against those and the constants that are floats still. Scales and zero points are no
/// part of the model that was.
double share_of_bytes(const Graph& graph) {
    std::unordered_set<const Value*> parameters;  // of quantizers
    std::unordered_set<const Value*> codes;
    std::unordered_set<const Value*> floats;
    const auto is_constant = [](const Value* value) { return value && known_tensor(value); };
    for_each_graph(const_cast<Graph&>(graph), [&](Graph& each) {
        for (const Node* node : each.nodes()) {
            if (!is_quantizer(*node) && !is_dequantizer(*node)) continue;
            if (is_constant(node->input(0))) codes.insert(node->input(0));
            for (int index = 1; index < node->input_count(); ++index) parameters.insert(node->input(index));
        }
    });
    for_each_graph(const_cast<Graph&>(graph), [&](Graph& each) {
        for (const Node* node : each.nodes())
            for (const Value* input : node->inputs())
                if (is_constant(input) && is_float(input->type().dtype) && !parameters.contains(input)) floats.insert(input);
    });
    const auto bytes = [](const std::unordered_set<const Value*>& values) {
        std::int64_t sum = 0;
        for (const Value* value : values) sum += known_tensor(value)->element_count() * std::int64_t{sizeof(float)};
        return static_cast<double>(sum);
    };
    const double quantized = bytes(codes);
    return quantized == 0.0 ? 0.0 : quantized / (quantized + bytes(floats));
}

}  // namespace

void measure_coverage(const Graph& graph, QuantizeReport& report) {
    std::unordered_set<std::string> listed;
    const auto list_once = [&](std::vector<Skip>& list, const Skip& skip) {
        if (listed.insert(skip.node + "\n" + skip.op).second) list.push_back(skip);
    };
    for (const PassRun& run : report.passes) {
        const bool changes_codes = run.name != "eliminate-redundant-relu" && run.name != "order-sum-operands";
        if (find_pass(run.name).family != PassFamily::Quantize || !changes_codes) continue;
        for (const Skip& skip : run.result.skipped) {
            const bool left_in_float = run.name == "quantize-activations" || run.name == "quantize-weights" ||
                                       run.name == "quantize-dynamic" || run.name == "quantize-embeddings" ||
                                       run.name == "quantize-weight-only" || run.name == "quantize-recurrent" ||
                                       run.name == "quantize-attention";
            list_once(left_in_float && !skip.op.empty() ? report.left_in_float : report.notes, skip);
        }
    }
    std::int64_t all_macs = 0;
    std::int64_t quantized_macs = 0;
    const auto measure = [&](const Node* node) {
        if (!is_compute(*node)) return;
        ++report.compute_nodes;
        const std::int64_t macs = count_macs(*node).value_or(0);
        all_macs = saturating_add(all_macs, macs);
        if (is_quantized(*node, report)) {
            if (is_wide_unit(*node)) ++report.wide_nodes;
            ++report.quantized_nodes;
            quantized_macs = saturating_add(quantized_macs, macs);
            // quantize-embeddings gave it a coded weight, which the pass behind could not tell from a computed one.
            std::erase_if(report.left_in_float,
                          [&](const Skip& skip) { return skip.node == node->display_name() && skip.op == node->op_type(); });
        } else {
            list_once(report.left_in_float, {node->display_name(), node->op_type(), "no rule applies to it"});
        }
    };
    for_each_graph(const_cast<Graph&>(graph), [&](Graph& each) {
        for (const Node* node : each.order()) measure(node);
    });
    report.quantized_macs_share = all_macs == 0 ? 0.0 : static_cast<double>(quantized_macs) / static_cast<double>(all_macs);
    if (report.activations != ActivationMode::Static) return;
    report.quantized_bytes_share = share_of_bytes(graph);
    for (const Skip& group : find_unfused_groups(graph, find_target(report.scheme.target))) list_once(report.notes, group);
}

}  // namespace mcompress
