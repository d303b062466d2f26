#include "prune/prunable_layers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <unordered_set>

#include "ops/attributes.h"
#include "passes/quantize/op_rules.h"
#include "prune/prune_layer.h"
#include "support/error.h"

namespace mcompress {
namespace {

/// Operators that hold weights of kinds which are not pruned.
struct OtherWeights {
    std::string_view op;
    int input;
    std::string_view reason;
};
// clang-format off
constexpr std::array<OtherWeights, 9> kOtherWeights{{
    {"ConvTranspose", 1, "transposed convolutions are not pruned"},
    {"LSTM", 1, "recurrent weights are not pruned"},
    {"GRU", 1, "recurrent weights are not pruned"},
    {"RNN", 1, "recurrent weights are not pruned"},
    {"Gather", 0, "a table that is looked up in is not pruned"},
    {"QLinearConv", 3, "its weight is quantized: prune first, then quantize"},
    {"QLinearMatMul", 3, "its weight is quantized: prune first, then quantize"},
    {"ConvInteger", 1, "its weight is quantized: prune first, then quantize"},
    {"MatMulInteger", 1, "its weight is quantized: prune first, then quantize"},
}};
// clang-format on

bool is_layer_operator(const Node& node) { return node.is("Conv") || node.is("Gemm") || node.is("MatMul"); }

bool comes_from_codes(const Value* value) {
    const Node* producer = value ? value->producer() : nullptr;
    return producer && (producer->is("DequantizeLinear") || producer->is("com.microsoft", "DequantizeLinear"));
}

bool all_finite(const Tensor& tensor) {
    const std::span<const float> values = tensor.values<float>();
    return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

/// Why the node's weight stays; empty when it may be pruned. Nothing when it has no weight to speak of.
std::optional<std::string> why_left(const Node& node, const Node& dense) {
    for (const OtherWeights& other : kOtherWeights)
        if (node.is(other.op)) {
            const Tensor* weight = node.input(other.input) ? known_tensor(node.input(other.input)) : nullptr;
            if (!weight || weight->shape().rank() < 2) return std::nullopt;
            return std::string(other.reason);
        }
    if (!is_layer_operator(node)) return std::nullopt;
    const Value* value = node.input(1);
    if (!value) return std::nullopt;
    if (comes_from_codes(value)) return "its weight is quantized: prune first, then quantize";
    const Tensor* weight = known_tensor(value);
    if (!weight) {
        if (node.input(0) && known_tensor(node.input(0))) return "its constant is the left operand";
        return node.is("MatMul") ? std::nullopt : std::optional<std::string>("its weight is not a constant");
    }
    if (node.graph().outer()) return "it is in the body of a control-flow operator";
    if (weight->dtype() != DType::Float32) return format("its weight is {}", dtype_name(weight->dtype()));
    if (value->uses().size() != 1 || value->is_graph_output()) return "its weight is read by other nodes too";
    if (!value->constant()) return "its weight is computed from constants";
    const OpRule& rule = find_op_rule(dense);
    if (rule.refuse && !rule.refuse(dense).empty()) return std::string(rule.refuse(dense));
    if (weight->shape().rank() < 2 || (!node.is("Conv") && weight->shape().rank() != 2)) return "its weight is no matrix";
    if (weight->element_count() == 0) return "its weight has no elements";
    if (!all_finite(*weight)) return "its weight holds values that are not finite";
    return std::string();
}

std::map<std::string, double> overridden(const Graph& graph, const std::vector<SparsityOverride>& overrides) {
    std::map<std::string, double> found;
    for (const SparsityOverride& each : overrides)
        for (const std::string& name : select_nodes(graph, each.selector)) found[name] = each.sparsity;
    return found;
}

/// Display names and why they were left out by the user.
std::map<std::string, std::string> left_out(const Graph& graph, const NodeSelection& selection) {
    std::map<std::string, std::string> reasons;
    for (const std::string& selector : selection.exclude)
        for (const std::string& name : select_nodes(graph, selector))
            reasons.try_emplace(name, name == selector ? "excluded by name" : format("excluded by '{}'", selector));
    if (selection.include.empty()) return reasons;
    std::unordered_set<std::string> included;
    for (const std::string& selector : selection.include)
        for (const std::string& name : select_nodes(graph, selector)) included.insert(name);
    for (const Node* node : graph.order())
        if (!included.contains(node->display_name())) reasons.try_emplace(node->display_name(), "not among what --include names");
    return reasons;
}

}  // namespace

PrunableLayers find_prunable_layers(const Graph& dense, Graph& pruned, const LayerChoice& choice) {
    const std::map<std::string, std::string> out = left_out(dense, choice.selection);
    std::map<std::string, double> shares = overridden(dense, choice.overrides);
    PrunableLayers found;
    const auto visit = [&](Node& node, const Node& reference) {
        std::optional<std::string> reason = why_left(node, reference);
        if (!reason) return;
        const std::string name = node.display_name();
        if (reason->empty())
            if (const auto left = out.find(name); left != out.end()) reason = left->second;
        std::optional<Layer> layer = reason->empty() ? float_layer(node, reference) : std::nullopt;
        if (reason->empty() && !layer) reason = "its bias is not one known number a channel";
        if (!layer) {
            found.skipped.push_back({name, node.op_type(), *reason});
            return;
        }
        PrunableLayer prunable{*layer, {}};
        if (const std::string unfit = why_not(choice.pattern, grid_of(*layer)); !unfit.empty()) {
            found.skipped.push_back({name, node.op_type(), unfit});
            prunable.has_pattern = false;
        } else if (const auto share = shares.find(name); share != shares.end()) {
            prunable.fixed_sparsity = share->second;
            shares.erase(share);
        }
        found.layers.push_back(prunable);
    };
    for_each_graph(pruned, [&](Graph& graph) {
        for (Node* node : graph.order()) {
            const Value* counterpart = graph.outer() || !node->output(0) ? nullptr : dense.find_value(node->output(0)->name());
            visit(*node, counterpart && counterpart->producer() ? *counterpart->producer() : *node);
        }
    });
    for (const auto& [name, share] : shares) {
        const auto skip =
            std::find_if(found.skipped.begin(), found.skipped.end(), [&wanted = name](const Skip& each) { return each.node == wanted; });
        if (skip != found.skipped.end())
            throw Error(codes::kUsage, format("'{}' gets {:.0f} % zeros but cannot be pruned: {}", name, 100.0 * share, skip->reason),
                        "leave it out of --layer-sparsity");
    }
    return found;
}

}  // namespace mcompress
