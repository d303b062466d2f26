#include "passes/fuse/fuse_matmul_add.h"

#include "ops/attributes.h"
#include "passes/rewriter.h"

namespace mcompress {

namespace {

constexpr int kBroadcastingGemm = 7;

// The input of the Add that a MatMul computes; -1 when there is none.
int product_input(const Node& add) {
    for (int index = 0; index < 2; ++index) {
        const Value* value = add.input(index);
        if (value && value->producer() && value->producer()->is("MatMul") && known_tensor(add.input(1 - index))) return index;
    }
    return -1;
}

std::string why_not(const Node& product, const Node& add, const Tensor& bias) {
    if (std::string reason = why_not_take_over(product, add); !reason.empty()) return reason;
    if (add.opset_version() < kBroadcastingGemm) return "Gemm does not broadcast before opset 7";
    const Tensor* weight = known_tensor(product.input(1));
    if (!weight) return format("the weight of '{}' is not a constant", product.display_name());
    if (weight->shape().rank() != 2) return format("the weight of '{}' has shape {}", product.display_name(), weight->shape().to_string());
    if (!is_float(weight->dtype()) || weight->dtype() != bias.dtype()) return "it does not add floats";
    const ValueType& input = product.input(0)->type();
    if (!input.has_rank()) return format("the rank of '{}' is not known", product.input(0)->name());
    if (input.rank() != 2) return format("'{}' has rank {}, Gemm takes matrices", product.input(0)->name(), input.rank());
    const Shape& shape = bias.shape();
    const std::int64_t columns = weight->shape()[1];
    const bool is_row = shape.rank() <= 2 && (shape.rank() < 2 || shape[0] == 1) && (shape.rank() == 0 || shape[shape.rank() - 1] == columns || bias.element_count() == 1);
    return is_row ? std::string() : format("its constant has shape {}", shape.to_string());
}

class FuseMatmulAdd : public Pass {
public:
    std::string_view name() const override { return "fuse-matmul-add"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        for_each_node(graph, [&](Node& node) {
            const int index = node.is("Add") && node.input_count() == 2 ? product_input(node) : -1;
            if (index < 0) return;
            Node* product = node.input(index)->producer();
            Value* bias = node.input(1 - index);
            if (std::string reason = why_not(*product, node, *known_tensor(bias)); !reason.empty()) {
                result.skipped.push_back(skip(node, std::move(reason)));
                return;
            }
            Graph& owner = product->graph();
            owner.set_op_type(product, "", "Gemm");
            owner.append_input(product, bias);
            take_over(product, &node);
            ++result.rewrites;
        });
        return result;
    }
};

}  // namespace

std::unique_ptr<Pass> make_fuse_matmul_add() { return std::make_unique<FuseMatmulAdd>(); }

}  // namespace mcompress
