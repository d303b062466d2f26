#include "passes/quantize/fusable_groups.h"

#include <algorithm>

#include "ops/attributes.h"
#include "passes/quantize/op_rules.h"
#include "passes/quantize/qdq_pair.h"

namespace mcompress {
namespace {

/// In the node's own graph: kernels do not look for quantizers outside the body they are in.
bool is_dequantized(const Node& node, int index) {
    const Node* producer = node.input(index) ? node.input(index)->producer() : nullptr;
    return producer && producer->is("DequantizeLinear") && &producer->graph() == &node.graph();
}

/// The quantizer that alone reads a value; null otherwise.
const Node* only_quantizer(const Value* value) {
    if (value->is_graph_output() || value->uses().size() != 1) return nullptr;
    const Use& use = value->uses()[0];
    return use.index == 0 && use.node->is("QuantizeLinear") ? use.node : nullptr;
}

bool same_params(const Value* dequantized, const Node& quantize) {
    const std::optional<QuantParams> from = params_of(*dequantized->producer());
    const std::optional<QuantParams> to = params_of(quantize);
    return from && to && *from == *to;
}

std::string_view result_reason(const Node& node) {
    const Value* result = node.output(0);
    if (only_quantizer(result)) return {};
    if (result->is_graph_output()) return "its result is a graph output";
    if (result->uses().size() == 1 && find_op_rule(*result->uses()[0].node).role == QuantizedRole::Activation)
        return "an activation stands between it and its quantizer";
    return "something else than a quantizer reads its result";
}

std::string_view compute_reason(const Node& node, const OpRule& rule) {
    if (!is_dequantized(node, rule.weight_input)) return "its weight is not quantized";
    if (rule.bias_input >= 0 && node.input(rule.bias_input) && !is_dequantized(node, rule.bias_input)) return "its bias is not quantized";
    if (node.is("ConvTranspose")) return "ONNX Runtime has no integer kernel for it on the CPU";
    if (rule.result == ResultQuantizer::OnDemand) return {};  // these kernels can write floats
    return result_reason(node);
}

std::string_view operands_reason(const Node& node, const OpRule& rule) {
    for (int index = 0; index < activation_input_count(node, rule); ++index)
        if (!is_dequantized(node, index)) return "an operand is not quantized";
    return result_reason(node);
}

std::string_view pass_through_reason(const Node& node) {
    for (const Value* output : node.outputs()) {
        if (!output || output->is_unused()) continue;
        const Node* quantize = only_quantizer(output);
        if (!quantize) return {};  // nothing quantized reads it: it runs in float on purpose
        if (!same_params(node.input(0), *quantize)) return "its parameters before and behind it differ";
    }
    return {};
}

/// Empty for a group that fuses and for a node that is no group.
std::string_view reason_of(const Node& node) {
    const OpRule& rule = find_op_rule(node);
    if (!is_dequantized(node, 0) || !node.output(0)) return {};
    switch (rule.role) {
        case QuantizedRole::Compute: return compute_reason(node, rule);
        case QuantizedRole::Arithmetic:
        case QuantizedRole::Concat:
        case QuantizedRole::Pooling: {
            // In float on purpose when nothing quantizes its result.
            const auto uses = node.output(0)->uses();
            const auto quantizes = [](const Use& use) { return use.node->is("QuantizeLinear"); };
            return std::any_of(uses.begin(), uses.end(), quantizes) ? operands_reason(node, rule) : std::string_view{};
        }
        case QuantizedRole::PassThrough: return pass_through_reason(node);
        default: return {};
    }
}

}  // namespace

std::vector<Skip> find_unfused_groups(const Graph& graph) {
    std::vector<Skip> unfused;
    for_each_graph(const_cast<Graph&>(graph), [&](Graph& each) {
        for (const Node* node : each.order())
            if (const std::string_view reason = reason_of(*node); !reason.empty())
                unfused.push_back({node->display_name(), node->op_type(), std::string(reason)});
    });
    return unfused;
}

}  // namespace mcompress
