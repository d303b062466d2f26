// Puts the operand of a quantized sum that a layer gives behind the other one. Integer kernels add codes as a · ra + (b · rb + offset), each product
// rounded with its sum (decision 0006): only the second operand's part can be computed where the layer ends and the first one's added to it.
//
// Before:  c_dq = DequantizeLinear (c_q)   y = Add (c_dq, r_dq)          where c_q = QuantizeLinear (Conv (…))
// After:   c_dq = DequantizeLinear (c_q)   y = Add (r_dq, c_dq)
//
// Condition: both operands are dequantized and of one shape, only the sum reads the first one's layer, and the second one is not such a layer as
// well. A sum is the same either way round.
//
// Does nothing when something else reads the layer's result too.
#include "passes/quantize/order_sum_operands.h"

#include <algorithm>
#include <iterator>

#include "passes/quantize/qdq_pair.h"
#include "passes/rewriter.h"

namespace mcompress {
namespace {

constexpr std::string_view kLayers[] = {"Conv", "Gemm", "MatMul"};
constexpr std::string_view kActivations[] = {"Relu", "Clip", "LeakyRelu"};

template <std::size_t N> bool is_one_of(const Node& node, const std::string_view (&names)[N]) {
    return node.domain().empty() && std::find(std::begin(names), std::end(names), node.op_type()) != std::end(names);
}

struct Layer {
    bool is_found = false;  // a layer, perhaps with an activation, gives the value
    bool is_alone = true;   // and nothing else reads it on the way
};

bool is_read_once(const Value* value) { return value->uses().size() == 1 && !value->is_graph_output(); }

Layer layer_behind(const Value* dequantized) {
    Layer layer;
    const auto pair = pair_behind(dequantized);
    if (!pair) return layer;
    layer.is_alone = is_read_once(dequantized) && is_read_once(pair->quantize->output(0));
    const Value* value = pair->source();
    while (const Node* node = value->producer()) {
        layer.is_alone = layer.is_alone && is_read_once(value);
        layer.is_found = is_one_of(*node, kLayers);
        if (layer.is_found || !is_one_of(*node, kActivations)) break;
        value = node->input(0);
    }
    return layer;
}

bool have_one_shape(const Value* a, const Value* b) {
    return a->type().has_rank() && b->type().has_rank() && *a->type().dims == *b->type().dims;
}

class OrderSumOperands final : public Pass {
public:
    std::string_view name() const override { return "order-sum-operands"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        for_each_node(graph, [&](Node& node) { visit(node, result); });
        return result;
    }

private:
    static void visit(Node& node, PassResult& result) {
        if (!node.is("Add") || node.input_count() != 2 || !node.input(0) || !node.input(1)) return;
        Value *first = node.input(0), *second = node.input(1);
        const Layer layer = layer_behind(first);
        if (!layer.is_found || !pair_behind(second) || !have_one_shape(first, second)) return;
        if (const Layer other = layer_behind(second); other.is_found && other.is_alone) return;
        if (!layer.is_alone) {
            result.skipped.push_back({node.display_name(), node.op_type(), "something else reads the result of its layer"});
            return;
        }
        Graph& graph = node.graph();
        graph.set_input(&node, 0, second);
        graph.set_input(&node, 1, first);
        ++result.rewrites;
    }
};

}  // namespace

std::unique_ptr<Pass> make_order_sum_operands() { return std::make_unique<OrderSumOperands>(); }

}  // namespace mcompress
