// Computes the projection to queries, keys and values inside com.microsoft's Attention on 8-bit codes: int8 weights, one scale a column, and an input that is
// quantized while the model runs. Scores, softmax and weighted values stay float.
//
// Before:  y, present = com.microsoft.Attention <num_heads = h> (x, w, b, mask, past)
// After:   x_q, x_s, x_z = DynamicQuantizeLinear (x)
//          y, present = com.microsoft.QAttention <num_heads = h> (x_q, w_q, b, x_s, w_s, mask, x_z, w_z, past)
//
// Formula: as quantize-dynamic.
//
// Does nothing when w is not a float32 constant matrix, there is no bias, queries and values have sizes of their own (qkv_hidden_sizes), or a bias of the
// scores or a length of the past is given: QAttention has no such inputs.
#include "passes/quantize/quantize_attention.h"

#include <map>

#include "ops/attributes.h"
#include "ops/microsoft.h"
#include "passes/quantize/dynamic_quantizers.h"
#include "passes/quantize/exclusions.h"
#include "passes/quantize/qdq_pair.h"
#include "passes/quantize/weight_codes.h"
#include "passes/rewriter.h"

namespace mcompress {
namespace {

constexpr int kMask = 3, kPast = 4, kScoreBias = 5, kPastLength = 6;

class QuantizeAttention final : public Pass {
public:
    explicit QuantizeAttention(QuantizationScheme scheme) : scheme_(std::move(scheme)) { check_scheme(scheme_); }
    std::string_view name() const override { return "quantize-attention"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        quantizers_ = {};
        weights_.clear();
        for_each_node(graph, [&](Node& node) {
            if (!node.is("com.microsoft", "Attention")) return;
            if (std::string reason = why_not(node); !reason.empty()) {
                result.skipped.push_back(skip(node, std::move(reason)));
                return;
            }
            quantize(&node);
            ++result.rewrites;
        });
        return result;
    }

private:
    std::string why_not(const Node& node) const {
        if (std::string reason = exclusion_of(node, scheme_); !reason.empty()) return reason;
        const Tensor* weight = known_tensor(node.input(1));
        if (!weight || weight->dtype() != DType::Float32 || weight->shape().rank() != 2)
            return "its weight is not a float32 constant matrix";
        if (!node.input(2)) return "it has no bias, which QAttention wants";
        if (node.input(0)->type().dtype != DType::Float32) return "its input is not float32";
        if (!attrs<MicrosoftAttentionAttrs>(node).hidden_sizes.empty()) return "its queries, keys and values have sizes of their own";
        if (node.input(kScoreBias)) return "its scores have a bias";
        return node.input(kPastLength) ? "its past has a length of its own" : std::string();
    }

    const QuantizedWeightValues& weights_of(Value* weight) {
        const auto [entry, is_new] = weights_.try_emplace(weight);
        if (is_new) {
            const SummationOrder order{.channel_axis = 1, .innermost_axis = 0};
            const std::optional<int> axis = scheme_.weight_granularity == Granularity::PerChannel ? std::optional(1) : std::nullopt;
            entry->second = add_quantized_weight(
                weight->graph(), weight->name(),
                quantize_weight(*known_tensor(weight), axis, order, scheme_.sum_width, scheme_.weight_dtype, weight->name()));
        }
        return entry->second;
    }

    void quantize(Node* node) {
        Graph& graph = node->graph();
        const QuantizedWeightValues weights = weights_of(node->input(1));
        const Node* quantizer = quantizers_.of(node->input(0), node);
        std::vector<Value*> inputs{quantizer->output(0), weights.codes,        node->input(2),      quantizer->output(1), weights.scales,
                                   node->input(kMask),   quantizer->output(2), weights.zero_points, node->input(kPast)};
        while (!inputs.back()) inputs.pop_back();
        graph.resize_inputs(node, static_cast<int>(inputs.size()));
        for (std::size_t index = 0; index < inputs.size(); ++index) graph.set_input(node, static_cast<int>(index), inputs[index]);
        graph.set_op_type(node, "com.microsoft", "QAttention");
    }

    QuantizationScheme scheme_;
    DynamicQuantizers quantizers_;
    std::map<const Value*, QuantizedWeightValues> weights_;
};

}  // namespace

std::unique_ptr<Pass> make_quantize_attention(const QuantizationScheme& scheme) { return std::make_unique<QuantizeAttention>(scheme); }

}  // namespace mcompress
