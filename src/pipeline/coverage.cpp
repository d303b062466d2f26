#include "pipeline/coverage.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

#include "ops/cost.h"
#include "support/error.h"

namespace mcompress {

namespace {

constexpr std::array<std::string_view, 9> kQuantizationOps{"QuantizeLinear",        "DequantizeLinear", "QLinearConv",
                                                           "QLinearMatMul",         "ConvInteger",      "MatMulInteger",
                                                           "DynamicQuantizeLinear", "QLinearSoftmax",   "QGemm"};
constexpr std::array<std::string_view, 4> kComputeOps{"Conv", "ConvTranspose", "Gemm", "MatMul"};

bool is_compute(const Node& node) {
    return node.domain().empty() && std::find(kComputeOps.begin(), kComputeOps.end(), node.op_type()) != kComputeOps.end();
}

bool is_dequantized(const Value* value) { return value && value->producer() && value->producer()->is("DequantizeLinear"); }

// With activations in float only the weight has to be an integer.
bool is_quantized(const Node& node, const QuantizeReport& report) {
    if (!report.calibration) return is_dequantized(node.input(1));
    return is_dequantized(node.input(0)) && is_dequantized(node.input(1));
}

}  // namespace

void refuse_quantized(const Graph& graph) {
    for (const Node* node : graph.nodes())
        if (std::find(kQuantizationOps.begin(), kQuantizationOps.end(), node->op_type()) != kQuantizationOps.end())
            throw Error(codes::kAlreadyQuantized,
                        format("the model is quantized already: node '{}' is a {}", node->display_name(), node->op_type()),
                        "start from the float model");
}

void measure_coverage(const Graph& graph, QuantizeReport& report) {
    std::unordered_map<std::string, std::string> reasons;
    for (const PassRun& run : report.passes)
        for (const Skip& skip : run.result.skipped) reasons.emplace(skip.node, skip.reason);
    std::int64_t all_macs = 0;
    std::int64_t quantized_macs = 0;
    for (const Node* node : graph.order()) {
        if (!is_compute(*node)) continue;
        ++report.compute_nodes;
        const std::int64_t macs = count_macs(*node).value_or(0);
        all_macs += macs;
        if (is_quantized(*node, report)) {
            ++report.quantized_nodes;
            quantized_macs += macs;
            continue;
        }
        const auto found = reasons.find(node->display_name());
        report.left_in_float.push_back(
            {node->display_name(), node->op_type(), found == reasons.end() ? "no rule applies to it" : found->second});
    }
    report.quantized_macs_share = all_macs == 0 ? 0.0 : static_cast<double>(quantized_macs) / static_cast<double>(all_macs);
}

}  // namespace mcompress
