// MatMul, Gemm, MatMulInteger, QLinearMatMul, Einsum.
#include "ops/matmul.h"

#include <algorithm>

#include "ops/einsum.h"
#include "ops/infer_rules.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

struct Operands {
    int a = 0;
    int b = 1;
    DType dtype = DType::Undefined;
};

void infer_product(InferContext& context, const Operands& operands) {
    const ValueType& a = context.input(operands.a);
    const ValueType& b = context.input(operands.b);
    if (!a.has_rank() || !b.has_rank()) return context.set_output(0, tensor_of(operands.dtype));
    auto dims = matmul_dims(*a.dims, *b.dims);
    if (!dims) context.reject(format("{} and {} cannot be multiplied as matrices", a.to_string(), b.to_string()));
    context.set_output(0, ValueType::tensor(operands.dtype, std::move(*dims)));
}

void infer_matmul(InferContext& context) { infer_product(context, {0, 1, merge_dtypes(context, 0, 1)}); }
void infer_matmul_integer(InferContext& context) { infer_product(context, {0, 1, DType::Int32}); }
void infer_qlinear_matmul(InferContext& context) { infer_product(context, {0, 3, context.input(7).dtype}); }

constexpr int kStretchingOpset = 7;  // before it an attribute said how

void infer_gemm(InferContext& context) {
    const DType dtype = merge_dtypes(context, 0, 1);
    Dims dims = gemm_dims(context, 0, 1);
    // The third operand is stretched to the product, not the product to it.
    if (const ValueType& added = context.input(2); added.has_rank() && context.opset() >= kStretchingOpset) {
        const bool fits = added.rank() <= 2 &&
                          std::equal(added.dims->rbegin(), added.dims->rend(), dims.rbegin(),
                                     [](const Dim& a, const Dim& b) { return a == Dim(1) || !a.is_known() || !b.is_known() || a == b; });
        if (!fits)
            context.reject(format("input 2 is {}, which does not stretch to the product {}", added.to_string(),
                                  ValueType::tensor(dtype, dims).to_string()));
    }
    context.set_output(0, ValueType::tensor(dtype, std::move(dims)));
}

// Output elements times the length of the sums.
std::int64_t product_macs(const ValueType& a, const ValueType& output) {
    return a.dims->empty() ? 0 : saturating_multiply(element_count(output), a.dims->back().extent());
}
std::int64_t matmul_macs(const Node&, std::span<const ValueType> inputs, std::span<const ValueType> outputs) {
    return product_macs(inputs[0], outputs[0]);
}
std::int64_t gemm_macs(const Node& node, std::span<const ValueType> inputs, std::span<const ValueType> outputs) {
    const std::size_t depth = GemmAttrs::read(node).a == MatrixOrder::Transposed ? 0 : 1;
    return inputs[0].dims->size() != 2 ? 0 : saturating_multiply(element_count(outputs[0]), (*inputs[0].dims)[depth].extent());
}

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "Einsum", 12, 1, kVariadic, 1, 1, infer_einsum, check_attrs<EinsumAttrs>, einsum_macs},
    {"", "Gemm", 1, 3, 3, 1, 1, infer_gemm, check_attrs<GemmAttrs>, gemm_macs},
    {"", "Gemm", 6, 3, 3, 1, 1, infer_gemm, check_attrs<GemmAttrs>, gemm_macs},
    {"", "Gemm", 7, 3, 3, 1, 1, infer_gemm, check_attrs<GemmAttrs>, gemm_macs},
    {"", "Gemm", 9, 3, 3, 1, 1, infer_gemm, check_attrs<GemmAttrs>, gemm_macs},
    {"", "Gemm", 11, 2, 3, 1, 1, infer_gemm, check_attrs<GemmAttrs>, gemm_macs},
    {"", "Gemm", 13, 2, 3, 1, 1, infer_gemm, check_attrs<GemmAttrs>, gemm_macs},
    {"", "MatMul", 1, 2, 2, 1, 1, infer_matmul, nullptr, matmul_macs},
    {"", "MatMul", 9, 2, 2, 1, 1, infer_matmul, nullptr, matmul_macs},
    {"", "MatMul", 13, 2, 2, 1, 1, infer_matmul, nullptr, matmul_macs},
    {"", "MatMulInteger", 10, 2, 4, 1, 1, infer_matmul_integer, nullptr, matmul_macs},
    {"", "QLinearMatMul", 10, 8, 8, 1, 1, infer_qlinear_matmul, nullptr, matmul_macs},
    {"", "QLinearMatMul", 21, 8, 8, 1, 1, infer_qlinear_matmul, nullptr, matmul_macs},
};
// clang-format on

}  // namespace

std::span<const OpInfo> matmul_rows() { return kRows; }

Dims gemm_dims(const InferContext& context, int a_index, int b_index) {
    const GemmAttrs attrs = GemmAttrs::read(context.node());
    const Dims* a = dims_of_rank(context, a_index, 2);
    const Dims* b = dims_of_rank(context, b_index, 2);
    const std::size_t a_rows = attrs.a == MatrixOrder::Transposed ? 1 : 0;
    const std::size_t b_rows = attrs.b == MatrixOrder::Transposed ? 1 : 0;
    Dims output = unknown_dims(2);
    if (a && b) (void)merge_dims(context, (*a)[1 - a_rows], (*b)[b_rows]);
    if (a) output[0] = (*a)[a_rows];
    if (b) output[1] = (*b)[1 - b_rows];
    return output;
}

// Two operands of rank 2 and more, after promotion: leading dimensions broadcast, the inner ones must agree.
std::optional<Dims> matmul_dims(const Dims& a, const Dims& b) {
    if (a.empty() || b.empty()) return std::nullopt;
    Dims left = a;
    Dims right = b;
    if (a.size() == 1) left.insert(left.begin(), Dim(1));
    if (b.size() == 1) right.push_back(Dim(1));
    const Dim& inner_left = left.back();
    const Dim& inner_right = right[right.size() - 2];
    if (inner_left.is_known() && inner_right.is_known() && inner_left != inner_right) return std::nullopt;
    const std::size_t batch = std::max(left.size(), right.size()) - 2;
    Dims output(batch);
    for (std::size_t back = 1; back <= batch; ++back) {
        const Dim x = back + 2 <= left.size() ? left[left.size() - 2 - back] : Dim(1);
        const Dim y = back + 2 <= right.size() ? right[right.size() - 2 - back] : Dim(1);
        Dim& z = output[batch - back];
        if (x == Dim(1)) z = y;
        else if (y == Dim(1) || x == y) z = x;
        else if (x.is_known() && y.is_known()) return std::nullopt;
        else z = x.is_known() ? x : y.is_known() ? y : Dim();
    }
    if (a.size() > 1) output.push_back(left[left.size() - 2]);
    if (b.size() > 1) output.push_back(right.back());
    return output;
}

}  // namespace mcompress
