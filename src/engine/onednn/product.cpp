// Gemm and MatMul in float, with what follows them.
#include <algorithm>

#include "engine/onednn/operators.h"
#include "ops/attributes.h"
#include "ops/matmul.h"

namespace mcompress::onednn {

namespace {

using dnnl::memory;
constexpr auto kFloat = memory::data_type::f32;

Tensor scaled(const Tensor& tensor, float factor) {
    if (factor == 1.0F) return tensor;
    Tensor result = Tensor::uninitialized(DType::Float32, tensor.shape());
    float* out = result.mutable_data<float>();
    for (const float value : tensor.values<float>()) *out++ = value * factor;
    return result;
}

/// A bias of `columns` numbers from a constant that broadcasts along the last axis only; an undefined tensor when it is another.
Tensor row_bias(const Tensor& tensor, std::int64_t columns, float factor) {
    if (tensor.dtype() != DType::Float32) return {};
    const Shape& shape = tensor.shape();
    if (tensor.element_count() == 1) {
        const std::vector<float> repeated(static_cast<std::size_t>(columns), tensor.data<float>()[0] * factor);
        return Tensor::from_values(Shape{columns}, repeated);
    }
    if (tensor.element_count() != columns || shape[shape.rank() - 1] != columns) return {};
    return scaled(tensor.reshaped(Shape{columns}), factor);
}

/// Post-operations of a product: the destination is plain, so a residual in row-major order is a binary operation on it.
std::vector<PostOp> product_post_ops(const ChainOperands& parts, const Desc& destination) {
    std::vector<PostOp> post_ops = parts.before;
    if (parts.residual) post_ops.push_back(BinaryPostOp{dnnl::algorithm::binary_add, destination});
    post_ops.insert(post_ops.end(), parts.after.begin(), parts.after.end());
    return post_ops;
}

void add_product(PlanBuilder& builder, const Chain& chain, std::size_t links, const ChainOperands& parts, Primitive primitive,
                 std::vector<Operand> operands) {
    if (parts.residual)
        operands.push_back({DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(parts.before.size())) | DNNL_ARG_SRC_1,
                            builder.view(builder.form(parts.residual, plain_desc(builder.shape(parts.residual), builder.float_type())),
                                         primitive.destination)});
    const Value* output = chain.output(links);
    const Desc plain = plain_desc(builder.shape(output), builder.float_type());
    operands.push_back({DNNL_ARG_DST, builder.view(builder.result(output, plain), primitive.destination)});
    builder.add({chain_label(chain, links), chain_precision(builder, chain), builder.macs(chain.head())}, std::move(primitive),
                std::move(operands));
}

}  // namespace

Built build_gemm(PlanBuilder& builder, const Chain& chain, std::size_t links) {
    const Node& node = chain.head();
    const auto gemm = attrs<GemmAttrs>(node);
    const Tensor* b = builder.known(node.input(1));
    const ChainOperands parts = chain_operands(chain, links);
    if (!b || gemm.a == MatrixOrder::Transposed || gemm.beta == 0.0F) return Built::No;
    for (const Value* value : {node.input(0), node.input(1), node.output(0)})
        if (!builder.is_dense(value, DType::Float32)) return Built::No;
    const Shape destination = builder.shape(node.output(0));
    const std::int64_t rows = destination[0], columns = destination[1], inner = builder.shape(node.input(0))[1];
    Tensor bias;
    if (const Value* value = node.input(2) ? node.input(2) : parts.bias) {
        if (!builder.is_known(value)) return Built::No;
        bias = row_bias(*builder.known(value), columns, node.input(2) ? gemm.beta : 1.0F);
        if (!bias.defined()) return Built::No;
    }
    ProductSpec spec;
    const Shape weights{columns, inner};
    const auto type = builder.float_type();
    spec.source = plain_desc(Shape{rows, inner}, type);
    spec.weights = any_desc(weights, type);
    spec.destination = plain_desc(destination, type);
    if (bias.defined()) spec.bias = plain_desc(Shape{columns}, kFloat);
    spec.attributes.post_ops = product_post_ops(parts, spec.destination);
    Primitive primitive = make_inner_product(builder.engine(), spec);
    if (primitive.is_reference()) return Built::No;
    const Desc stored = gemm.b == MatrixOrder::Transposed ? plain_desc(weights, kFloat) : strided_desc(weights, kFloat, {1, columns});
    std::vector<Operand> operands{{DNNL_ARG_SRC, builder.form(node.input(0), spec.source)},
                                  {DNNL_ARG_WEIGHTS, builder.constant(scaled(*b, gemm.alpha), stored, primitive.weights)}};
    if (bias.defined()) operands.push_back({DNNL_ARG_BIAS, builder.constant(bias, *spec.bias)});
    add_product(builder, chain, links, parts, std::move(primitive), std::move(operands));
    return Built::Yes;
}

Built build_matmul(PlanBuilder& builder, const Chain& chain, std::size_t links) {
    const Node& node = chain.head();
    const ChainOperands parts = chain_operands(chain, links);
    for (const Value* value : {node.input(0), node.input(1), node.output(0)})
        if (!builder.is_dense(value, DType::Float32)) return Built::No;
    Shape a = builder.shape(node.input(0)), b = builder.shape(node.input(1));
    if (a.rank() == 0 || b.rank() == 0) return Built::No;
    if (a.rank() == 1) a = Shape{1, a[0]};
    if (b.rank() == 1) b = Shape{b[0], 1};
    const std::int64_t rows = a[a.rank() - 2], inner = a[a.rank() - 1], columns = b[b.rank() - 1];
    if (b.rank() == 2) a = Shape{a.element_count() / inner, inner};  // one product of all rows
    const int rank = std::max(a.rank(), b.rank());
    const auto widened = [&](const Shape& shape) {
        std::vector<std::int64_t> dims(static_cast<std::size_t>(rank - shape.rank()), 1);
        dims.insert(dims.end(), shape.begin(), shape.end());
        return Shape(std::move(dims));
    };
    a = widened(a);
    b = widened(b);
    Shape destination = a;
    for (int axis = 0; axis + 2 < rank; ++axis) destination[axis] = std::max(a[axis], b[axis]);
    destination[rank - 2] = b.rank() == 2 ? a[rank - 2] : rows;
    destination[rank - 1] = columns;

    ProductSpec spec;
    const Tensor* weights = builder.known(node.input(1));
    const auto type = builder.float_type();
    spec.source = plain_desc(a, type);
    spec.weights = weights ? any_desc(b, type) : plain_desc(b, type);
    spec.destination = plain_desc(destination, type);
    Tensor bias;
    if (parts.bias) {
        bias = row_bias(*builder.known(parts.bias), columns, 1.0F);
        if (!bias.defined()) return Built::No;
        std::vector<std::int64_t> dims(static_cast<std::size_t>(rank), 1);
        dims.back() = columns;
        spec.bias = plain_desc(Shape(std::move(dims)), kFloat);
    }
    spec.attributes.post_ops = product_post_ops(parts, spec.destination);
    Primitive primitive = make_matmul(builder.engine(), spec);
    if (primitive.is_reference()) return Built::No;
    const auto row_major = [&](const Value* value, const Desc& seen) {
        return builder.view(builder.form(value, plain_desc(builder.shape(value), type)), seen);
    };
    std::vector<Operand> operands{{DNNL_ARG_SRC, row_major(node.input(0), spec.source)}};
    operands.push_back({DNNL_ARG_WEIGHTS, weights ? builder.constant(*weights, plain_desc(b, kFloat), primitive.weights)
                                                  : row_major(node.input(1), spec.weights)});
    if (bias.defined()) operands.push_back({DNNL_ARG_BIAS, builder.constant(bias, *spec.bias, *spec.bias)});
    add_product(builder, chain, links, parts, std::move(primitive), std::move(operands));
    return Built::Yes;
}

}  // namespace mcompress::onednn
