// Removes a Relu or Clip when the quantizer behind it saturates at the same codes. ONNX Runtime runs Conv → QuantizeLinear as one integer
// kernel, but not Conv → Clip → QuantizeLinear.
//
// Before:  c = Conv (x_dq, w_dq)   r = Clip (c, 0, 6)   r_q = QuantizeLinear (r, 0.0235, 0)
// After:   c = Conv (x_dq, w_dq)   r_q = QuantizeLinear (c, 0.0235, 0)
//
// Condition: the lower bound quantizes to the lowest code and the upper bound to the highest. Quantization is monotone, so everything beyond
// the bounds gives the same codes with and without the activation: the rewrite is exact.
//
// Does nothing when anything but such quantizers reads the activation, when it is a graph output, or when a bound is inside the range.
#include "passes/quantize/eliminate_redundant_relu.h"

#include <algorithm>
#include <limits>

#include "ops/elementwise.h"
#include "passes/quantize/qdq_pair.h"
#include "passes/quantize/quantized_view.h"
#include "passes/rewriter.h"
#include "quant/affine.h"

namespace mcompress {
namespace {

struct Bounds {
    float low = -std::numeric_limits<float>::infinity();
    float high = std::numeric_limits<float>::infinity();
};

/// Nothing for other operators and for bounds that are computed or cross each other.
std::optional<Bounds> bounds_of(const Node& node) {
    if (node.is("Relu")) return Bounds{.low = 0.0f};
    if (!node.is("Clip")) return std::nullopt;
    const ClipAttrs clip = attrs<ClipAttrs>(node);
    if (!clip.is_settled()) return std::nullopt;
    Bounds bounds;
    if (clip.min.value) bounds.low = static_cast<float>(*clip.min.value);
    if (clip.max.value) bounds.high = static_cast<float>(*clip.max.value);
    if (!(bounds.low <= bounds.high)) return std::nullopt;
    return bounds;
}

bool saturates(const Node& quantize, const Bounds& bounds) {
    const std::optional<QuantParams> params = params_of(quantize);
    if (!params || dtype_bits(params->dtype) > 16) return false;
    const QuantRange codes = integer_range(params->dtype);
    return quantize_value(bounds.low, params->scale, params->zero_point, codes) == codes.min &&
           quantize_value(bounds.high, params->scale, params->zero_point, codes) == codes.max;
}

class EliminateRedundantRelu final : public Pass {
public:
    std::string_view name() const override { return "eliminate-redundant-relu"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        for_each_node(graph, [&](Node& node) { visit(node, result); });
        return result;
    }

private:
    static void visit(Node& each, PassResult& result) {
        Node* node = &each;
        const std::optional<Bounds> bounds = bounds_of(*node);
        if (!bounds || !node->input(0)) return;
        const Value* output = node->output(0);
        const auto quantizes = [](const Use& use) { return use.index == 0 && is_quantizer(*use.node); };
        if (output->uses().empty() || !std::any_of(output->uses().begin(), output->uses().end(), quantizes)) return;
        const auto redundant = [&](const Use& use) { return quantizes(use) && saturates(*use.node, *bounds); };
        if (output->is_graph_output()) {
            result.skipped.push_back({node->display_name(), node->op_type(), "its result is a graph output"});
        } else if (!std::all_of(output->uses().begin(), output->uses().end(), quantizes)) {
            result.skipped.push_back({node->display_name(), node->op_type(), "something else than a quantizer reads its result"});
        } else if (!std::all_of(output->uses().begin(), output->uses().end(), redundant)) {
            result.skipped.push_back({node->display_name(), node->op_type(), "a bound lies inside the quantized range"});
        } else {
            remove(node);
            ++result.rewrites;
        }
    }

    static void remove(Node* node) {
        Graph& graph = node->graph();
        const std::vector<Value*> bounds(node->inputs().begin() + 1, node->inputs().end());
        graph.replace_all_uses(node->output(0), node->input(0));
        graph.erase(node);
        for (Value* bound : bounds) erase_if_unused(bound);
    }
};

}  // namespace

std::unique_ptr<Pass> make_eliminate_redundant_relu() { return std::make_unique<EliminateRedundantRelu>(); }

}  // namespace mcompress
