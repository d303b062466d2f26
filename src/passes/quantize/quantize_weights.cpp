// Stores the constant weights of Conv, ConvTranspose, Gemm and MatMul as int8, one scale an output channel, with a DequantizeLinear behind.
//
// Before:  y = Conv (x_dq, w)
// After:   w_dq = DequantizeLinear <axis = 0> (w_q, w_s)   y = Conv (x_dq, w_dq)
//
// Formula: s[c] = absmax[c] / 127, w_q = clip(rne(w / s[c]), -127, 127). Channels lie on axis 0 of Conv, 1 of ConvTranspose (one scale for the
// whole tensor when it has groups: an entry of that axis then serves several channels), the column axis of Gemm and MatMul. A weight that
// several nodes read along the same axis is stored once.
//
// Does nothing when the weight is not a float32 constant or is quantized already; when activations are quantized, also when the node's own
// activation is not: a dequantized weight alone would only slow it down.
#include "passes/quantize/quantize_weights.h"

#include <map>
#include <utility>

#include "ops/attributes.h"
#include "passes/quantize/qdq_pair.h"
#include "passes/quantize/quantization_plan.h"
#include "passes/quantize/weight_codes.h"

namespace mcompress {
namespace {

constexpr int kPerChannelOpset = 13;

class QuantizeWeights final : public Pass {
public:
    explicit QuantizeWeights(QuantizationScheme scheme) : scheme_(std::move(scheme)) { check_scheme(scheme_); }
    std::string_view name() const override { return "quantize-weights"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        check_opset(graph);
        QuantizationPlan plan = plan_quantization(graph, scheme_);
        if (scheme_.activations == ActivationMode::Float) result.skipped = std::move(plan.skipped);
        dequantized_.clear();
        for (Node* node : graph.order()) {
            const auto unit = plan.units.find(node);
            if (unit == plan.units.end() || unit->second->role != QuantizedRole::Compute) continue;
            const OpRule& rule = *unit->second;
            if (node->input(rule.weight_input)->producer() && node->input(rule.weight_input)->producer()->is("DequantizeLinear")) continue;
            if (scheme_.activations == ActivationMode::Static && !pair_behind(node->input(0))) {
                result.skipped.push_back({node->display_name(), node->op_type(), "its activation is not quantized"});
                continue;
            }
            quantize(graph, node, rule);
            ++result.rewrites;
        }
        return result;
    }

private:
    void check_opset(const Graph& graph) const {
        const int opset = graph.opset_version("");
        const bool per_channel = scheme_.weight_granularity == Granularity::PerChannel;
        if (opset >= (per_channel ? kPerChannelOpset : 10)) return;
        throw Error(codes::kOpsetUnsupported,
                    format("opset {} has no DequantizeLinear{}", opset, per_channel ? " with one scale a channel" : ""),
                    "raise the opset to 13 first");
    }

    void quantize(Graph& graph, Node* node, const OpRule& rule) {
        Value* weight = node->input(rule.weight_input);
        const Tensor& tensor = *known_tensor(weight);
        const std::optional<int> axis =
            scheme_.weight_granularity == Granularity::PerChannel ? rule.channel_axis(*node, tensor.shape()) : std::nullopt;
        Value*& dequantized = dequantized_[{weight, axis.value_or(-1)}];
        if (!dequantized) {
            const bool limits_pairs =
                scheme_.activations == ActivationMode::Static && scheme_.sum_width == SumWidth::SixteenBitPairs && rule.summation;
            const std::optional<SummationOrder> order = limits_pairs ? rule.summation(*node, tensor.shape()) : std::nullopt;
            QuantizedWeight codes = quantize_weight(tensor, axis, order, scheme_.weight_dtype, weight->name());
            dequantized =
                add_dequantized_constant(graph, weight->name(), std::move(codes.codes), std::move(codes.scales), axis.value_or(1), node)
                    ->output(0);
        }
        graph.set_input(node, rule.weight_input, dequantized);
        // The entry of a weight that is gone cannot be asked for again: nobody reads it.
        erase_if_unused(weight);
    }

    QuantizationScheme scheme_;
    std::map<std::pair<const Value*, int>, Value*> dequantized_;  // by weight and axis
};

}  // namespace

std::unique_ptr<Pass> make_quantize_weights(const QuantizationScheme& scheme) { return std::make_unique<QuantizeWeights>(scheme); }

}  // namespace mcompress
