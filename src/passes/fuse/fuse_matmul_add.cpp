#include "passes/fuse/fuse_matmul_add.h"

#include "ops/attributes.h"
#include "passes/rewriter.h"

namespace mcompress {

namespace {

constexpr int kGemmBroadcastsSince = 7;

bool is_bias(const Shape& shape, std::int64_t columns) {
    if (shape.rank() > 2) return false;
    for (int axis = 0; axis < shape.rank(); ++axis)
        if (shape[axis] != 1 && (axis != shape.rank() - 1 || shape[axis] != columns)) return false;
    return true;
}

bool is_gemm_type(DType dtype) { return dtype == DType::Float32 || dtype == DType::Float16 || dtype == DType::Float64; }

/// Why the two nodes stay; empty when they are one Gemm now. The bias is at input `side` of the Add.
std::string fuse(Node& product, Node& add, int side) {
    Graph& graph = product.graph();
    if (std::string why = why_not_take_over(product, add); !why.empty()) return why;
    const Tensor* weights = known_tensor(product.input(1));
    if (!weights) return format("the second factor of '{}' is not a constant", product.display_name());
    const ValueType& left = product.input(0)->type();
    if (!left.has_rank()) return format("the rank of the first factor of '{}' is not known", product.display_name());
    if (left.rank() != 2 || weights->shape().rank() != 2)
        return format("'{}' multiplies tensors of rank {} and {}, Gemm takes matrices", product.display_name(), left.rank(),
                      weights->shape().rank());
    if (!is_bias(known_tensor(add.input(side))->shape(), weights->shape()[1])) return "its constant is not one number a column";
    if (!is_gemm_type(weights->dtype())) return format("Gemm does not take {}", dtype_name(weights->dtype()));
    if (product.opset_version() < kGemmBroadcastsSince) return format("Gemm has other rules before opset {}", kGemmBroadcastsSince);
    graph.set_op_type(&product, "", "Gemm");
    graph.append_input(&product, add.input(side));
    take_over(&product, &add);
    return {};
}

class FuseMatmulAdd : public Pass {
public:
    std::string_view name() const override { return "fuse-matmul-add"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        for_each_node(graph, [&](Node& node) {
            if (node.is("Add")) visit(node, result);
        });
        return result;
    }

private:
    static void visit(Node& node, PassResult& result) {
        for (const int side : {1, 0}) {
            Node* product = node.input(1 - side) ? node.input(1 - side)->producer() : nullptr;
            if (!product || !product->is("MatMul") || !known_tensor(node.input(side))) continue;
            std::string why = fuse(*product, node, side);
            if (why.empty()) ++result.rewrites;
            else result.skipped.push_back(skip(node, std::move(why)));
            return;
        }
    }
};

}  // namespace

std::unique_ptr<Pass> make_fuse_matmul_add() { return std::make_unique<FuseMatmulAdd>(); }

}  // namespace mcompress
