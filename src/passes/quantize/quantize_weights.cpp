// Stores the constant weights of Conv, ConvTranspose, Gemm and MatMul as int8, one scale an output channel, with a DequantizeLinear behind.
//
// Before:  y = Conv (x_dq, w)
// After:   w_dq = DequantizeLinear <axis = 0> (w_q, w_s)   y = Conv (x_dq, w_dq)
//
// Formula: s[c] = absmax[c] / 127 (more where pairs would saturate), w_q = round_row(w / s[c]) in [-127, 127]. Channels lie on axis 0 of Conv, 1 of
// ConvTranspose (one scale for the whole tensor when it has groups: an entry of that axis then serves several channels), the column axis of Gemm
// and MatMul. A weight that several nodes read along the same axis is stored once.
//
// Does nothing when the weight is not a float32 constant or is quantized already; when activations are quantized, also when the node's own
// activation is not: a dequantized weight alone would only slow it down.
#include "passes/quantize/quantize_weights.h"

#include <map>
#include <tuple>

#include "ops/attributes.h"
#include "passes/quantize/qdq_pair.h"
#include "passes/quantize/quantization_plan.h"
#include "passes/quantize/quantized_view.h"
#include "passes/quantize/weight_codes.h"
#include "passes/rewriter.h"

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
        for_each_node(graph, [&](Node& node) {
            const auto unit = plan.units.find(&node);
            if (unit == plan.units.end() || unit->second->role != QuantizedRole::Compute) return;
            const OpRule& rule = *unit->second;
            if (node.input(rule.weight_input)->producer() && is_dequantizer(*node.input(rule.weight_input)->producer())) return;
            if (scheme_.activations == ActivationMode::Static && !pair_in_front_of(node, 0)) {
                result.skipped.push_back(skip(node, "its activation is not quantized"));
                return;
            }
            quantize(&node, rule);
            ++result.rewrites;
        });
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

    void quantize(Node* node, const OpRule& rule) {
        Value* weight = node->input(rule.weight_input);
        const Tensor& tensor = *known_tensor(weight);
        const std::optional<int> axis =
            scheme_.weight_granularity == Granularity::PerChannel ? rule.channel_axis(*node, tensor.shape()) : std::nullopt;
        Node*& first = dequantized_[{nullptr, weight, axis.value_or(-1)}];
        Node*& dequantize = dequantized_[{&node->graph(), weight, axis.value_or(-1)}];
        if (!first) {
            const std::optional<SummationOrder> order = rule.summation ? rule.summation(*node, tensor.shape()) : std::nullopt;
            const SumWidth sums = scheme_.activations == ActivationMode::Static ? scheme_.sum_width : SumWidth::ThirtyTwoBit;
            QuantizedWeight codes = quantize_weight(tensor, axis, order, sums, scheme_.weight_dtype, weight->name());
            tensor.release_pages();
            first = dequantize = add_dequantized_constant(weight->graph(), weight->name(), std::move(codes.codes), std::move(codes.scales),
                                                          axis.value_or(1), node);
        } else if (!dequantize) {
            dequantize = repeat_in(node, *first);
        }
        node->graph().set_input(node, rule.weight_input, dequantize->output(0));
        // The entry of a weight that is gone cannot be asked for again: nobody reads it.
        erase_if_unused(weight);
    }

    /// The same codes, dequantized in the graph of another node, which is where kernels look for it.
    static Node* repeat_in(Node* reader, const Node& dequantize) {
        const Value* output = dequantize.output(0);
        Node* copy = reader->graph().add_node({.op_type = dequantize.op_type(),
                                               .inputs = {dequantize.inputs().begin(), dequantize.inputs().end()},
                                               .attributes = {dequantize.attributes().begin(), dequantize.attributes().end()},
                                               .outputs = {output->name()}},
                                              reader);
        reader->graph().set_type(copy->output(0), output->type());
        return copy;
    }

    QuantizationScheme scheme_;
    std::map<std::tuple<const Graph*, const Value*, int>, Node*> dequantized_;  // by reading graph (null: the first one), weight and axis
};

}  // namespace

std::unique_ptr<Pass> make_quantize_weights(const QuantizationScheme& scheme) { return std::make_unique<QuantizeWeights>(scheme); }

}  // namespace mcompress
