#include "passes/quantize/fusable_groups.h"

#include <algorithm>

#include "ops/attributes.h"
#include "passes/quantize/op_rules.h"
#include "passes/quantize/qdq_pair.h"
#include "passes/quantize/quantized_view.h"
#include "support/format.h"

namespace mcompress {
namespace {

/// In the node's own graph: kernels do not look for quantizers outside the body they are in.
bool is_dequantized(const Node& node, int index) {
    const Node* producer = node.input(index) ? node.input(index)->producer() : nullptr;
    return producer && is_dequantizer(*producer) && &producer->graph() == &node.graph();
}

/// The quantizer that alone reads a value; null otherwise.
const Node* only_quantizer(const Value* value) {
    if (value->is_graph_output() || value->uses().size() != 1) return nullptr;
    const Use& use = value->uses()[0];
    return use.index == 0 && is_quantizer(*use.node) ? use.node : nullptr;
}

bool same_params(const Value* dequantized, const Node& quantize) {
    const std::optional<QuantParams> from = params_of(*dequantized->producer());
    const std::optional<QuantParams> to = params_of(quantize);
    return from && to && *from == *to;
}

std::string result_reason(const Node& node, const Target& target) {
    const Value* result = node.output(0);
    if (only_quantizer(result)) return {};
    if (result->is_graph_output()) return "its result is a graph output";
    if (result->uses().size() == 1 && find_op_rule(*result->uses()[0].node).role == QuantizedRole::Activation) {
        const Node& activation = *result->uses()[0].node;
        if (target.fuses(activation.op_type()) && only_quantizer(activation.output(0))) return {};
        return "an activation stands between it and its quantizer";
    }
    return "something else than a quantizer reads its result";
}

std::string compute_reason(const Node& node, const OpRule& rule, const Target& target) {
    if (!is_dequantized(node, rule.weight_input)) return "its weight is not quantized";
    const bool has_bias = rule.bias_input >= 0 && node.input(rule.bias_input);
    if (has_bias && target.bias == DType::Int32 && !is_dequantized(node, rule.bias_input)) return "its bias is not quantized";
    if (!target.computes(rule.op)) return format("{} has no integer kernel for it", target.runtime);
    // These kernels can write floats.
    if (rule.result == ResultQuantizer::OnDemand || target.convolution_result == ConvolutionResult::CodesOrFloats) return {};
    return result_reason(node, target);
}

std::string operands_reason(const Node& node, const OpRule& rule, const Target& target) {
    int floats = 0;
    for (int index = 0; index < activation_input_count(node, rule); ++index) floats += is_dequantized(node, index) ? 0 : 1;
    // An addition in the accumulator of the product in front reads that as it is.
    const int allowed = target.residual_add == ResidualAdd::SkipBranchOnly && rule.op == "Add" ? 1 : 0;
    return floats > allowed ? "an operand is not quantized" : result_reason(node, target);
}

std::string pass_through_reason(const Node& node) {
    for (const Value* output : node.outputs()) {
        if (!output || output->is_unused()) continue;
        const Node* quantize = only_quantizer(output);
        if (!quantize) return {};  // nothing quantized reads it: it runs in float on purpose
        if (!same_params(node.input(0), *quantize)) return "its parameters before and behind it differ";
    }
    return {};
}

/// Empty for a group that fuses and for a node that is no group.
std::string reason_of(const Node& node, const Target& target) {
    const OpRule& rule = find_op_rule(node);
    const bool reads_codes = is_dequantized(node, 0) || (rule.role == QuantizedRole::Arithmetic && is_dequantized(node, 1));
    if (!reads_codes || !node.output(0) || is_wide_unit(node)) return {};
    switch (rule.role) {
        case QuantizedRole::Compute: return compute_reason(node, rule, target);
        case QuantizedRole::Arithmetic:
        case QuantizedRole::Concat:
        case QuantizedRole::Pooling: {
            if (!target.computes(rule.op)) return {};
            // In float on purpose when nothing quantizes its result.
            const auto uses = node.output(0)->uses();
            const auto quantizes = [](const Use& use) { return is_quantizer(*use.node); };
            return std::any_of(uses.begin(), uses.end(), quantizes) ? operands_reason(node, rule, target) : std::string();
        }
        case QuantizedRole::PassThrough: return pass_through_reason(node);
        default: return {};
    }
}

}  // namespace

bool is_wide_unit(const Node& node) {
    const OpRule& rule = find_op_rule(node);
    if (!is_unit_role(rule.role)) return false;
    const auto has_wide_codes = [](const Value* codes) { return codes && dtype_bits(codes->type().dtype) == 16; };
    for (int index = 0; index < activation_input_count(node, rule); ++index)
        if (is_dequantized(node, index) && has_wide_codes(node.input(index)->producer()->input(0))) return true;
    const Node* quantizer = node.output(0) ? only_quantizer(node.output(0)) : nullptr;
    return quantizer && has_wide_codes(quantizer->output(0));
}

std::vector<Skip> find_unfused_groups(const Graph& graph, const Target& target) {
    std::vector<Skip> unfused;
    for_each_graph(const_cast<Graph&>(graph), [&](Graph& each) {
        for (const Node* node : each.order())
            if (std::string reason = reason_of(*node, target); !reason.empty())
                unfused.push_back({node->display_name(), node->op_type(), std::move(reason)});
    });
    return unfused;
}

}  // namespace mcompress
