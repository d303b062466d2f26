// Puts a second pair behind an activation whose codes have another type than the unit that reads it: kernels take and give codes of one type. The
// type of a unit is that of its result; where that is float, of its first operand.
//
// Before:  x_dq = DequantizeLinear (x_q, s, u8)   y = Conv (x_dq, w)   y_q = QuantizeLinear (y, t, u16)
// After:   x_dq = DequantizeLinear (x_q, s, u8)   x_u16_q = QuantizeLinear (x_dq, s / 257, u16)   x_u16_dq = DequantizeLinear (x_u16_q, s / 257, u16)
//          y = Conv (x_u16_dq, w)   y_q = QuantizeLinear (y, t, u16)
//
// Formula: choose_params of the range that the codes of the first pair can represent. From 8 to 16 bits nothing is lost: 65535 = 257 * 255.
//
// Does nothing when every unit reads codes of its own type, which is so unless the scheme names types of single values.
#include "passes/quantize/convert_activations.h"

#include "ir/qualified_name.h"
#include "passes/quantize/qdq_pair.h"
#include "passes/quantize/quantization_plan.h"
#include "passes/quantize/quantized_view.h"
#include "quant/choose_params.h"

namespace mcompress {
namespace {

DType type_of(const QdqPair& pair) { return pair.zero_point()->type().dtype; }

/// The pair that quantizes what a unit gives, behind its activation.
std::optional<QdqPair> pair_of_result(const Node& node) {
    const Value* result = node.output(0);
    if (const auto pair = pair_of(result)) return pair;
    if (result->uses().size() != 1 || find_op_rule(*result->uses()[0].node).role != QuantizedRole::Activation) return std::nullopt;
    return pair_of(result->uses()[0].node->output(0));
}

/// What a DequantizeLinear makes of the codes; null when there is none.
Value* dequantized_codes(const Value* codes) {
    for (const Use& use : codes->uses())
        if (use.index == 0 && is_dequantizer(*use.node)) return use.node->output(0);
    return nullptr;
}

class ConvertActivations final : public Pass {
public:
    explicit ConvertActivations(QuantizationScheme scheme) : scheme_(std::move(scheme)) {}
    std::string_view name() const override { return "convert-activations"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        if (scheme_.activations != ActivationMode::Static || scheme_.activation_dtypes.empty()) return result;
        const QuantizationPlan plan = plan_quantization(graph, scheme_);
        for_each_graph(graph, [&](Graph& each) {
            for (Node* node : each.order())
                if (const auto unit = plan.units.find(node); unit != plan.units.end()) result.rewrites += convert(*node, *unit->second);
        });
        return result;
    }

private:
    int convert(Node& node, const OpRule& rule) {
        const auto first = pair_in_front_of(node, 0);
        const auto result = pair_of_result(node);
        if (!first && !result) return 0;
        const DType wanted = type_of(result ? *result : *first);
        int rewrites = 0;
        for (int index = 0; index < activation_input_count(node, rule); ++index) {
            const auto pair = pair_in_front_of(node, index);
            if (!pair || type_of(*pair) == wanted) continue;
            node.graph().set_input(&node, index, converted(*pair, wanted, node));
            ++rewrites;
        }
        return rewrites;
    }

    Value* converted(const QdqPair& pair, DType wanted, const Node& before) {
        Value* source = pair.dequantized();
        for (const Use& use : source->uses()) {
            const bool converts = use.index == 0 && is_quantizer(*use.node) && use.node->output(0)->type().dtype == wanted;
            if (Value* existing = converts ? dequantized_codes(use.node->output(0)) : nullptr) return existing;
        }
        const std::string name = pair.source()->name() + "_" + std::string(dtype_name(wanted));
        const QuantParams params =
            choose_params(representable_range(*params_of(*pair.dequantize)), wanted, scheme_.symmetry_of(qualified_name(*pair.source())));
        Graph& graph = before.graph();
        return add_pair(graph, source, name, scale_constant(graph, name, params.scale), zero_point_constant(graph, params), &before)
            .dequantized();
    }

    QuantizationScheme scheme_;
};

}  // namespace

std::unique_ptr<Pass> make_convert_activations(const QuantizationScheme& scheme) { return std::make_unique<ConvertActivations>(scheme); }

}  // namespace mcompress
