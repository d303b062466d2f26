// com.microsoft::MatMulNBits: weights of 2, 4 or 8 bits in blocks.
#include "engine/onednn/operators.h"
#include "engine/onednn/packed_product.h"
#include "engine/reference/nbits_weights.h"
#include "ops/attributes.h"
#include "ops/microsoft.h"

namespace mcompress::onednn {

namespace {

/// A few rows: weights stay packed.
void add_packed_product(PlanBuilder& builder, const Node& node, const MatMulNBitsAttrs& a, const std::vector<Tensor>& inputs,
                        const Tensor& bias) {
    std::vector<Tensor> outputs(1);
    const Tensor zeros = reference::nbits_zero_points(KernelContext{node, inputs, outputs, builder.threads()});
    const Shape source = builder.shape(node.input(0));
    const auto constant = [&](const Tensor& tensor) {
        const Tensor flat = tensor.reshaped(Shape{tensor.element_count()});
        return builder.constant(flat, plain_desc(flat.shape(), *data_type_of(flat.dtype())));
    };
    std::vector<BufferId> operands{builder.form(node.input(0), plain_desc(source, dnnl::memory::data_type::f32)), constant(inputs[1]),
                                   constant(inputs[2]), constant(zeros)};
    operands.push_back(builder.result(node.output(0), plain_desc(builder.shape(node.output(0)), dnnl::memory::data_type::f32)));
    if (bias.defined()) operands.push_back(constant(bias));
    const std::int64_t rows = source.element_count() / a.inner;
    builder.add_native(
        {node.op_type(), "f32 (4-bit weights)", builder.macs(node)}, "packed:avx512",
        [rows, inner = a.inner, columns = a.columns, block_size = a.block_size](std::span<std::byte* const> at, int threads) {
            const auto floats = [&](std::size_t index) { return reinterpret_cast<const float*>(at[index]); };
            const PackedWeights4 weights{inner,
                                         columns,
                                         block_size,
                                         reinterpret_cast<const std::uint8_t*>(at[1]),
                                         floats(2),
                                         floats(3),
                                         at.size() > 5 ? floats(5) : nullptr};
            multiply_packed(weights, rows, floats(0), reinterpret_cast<float*>(at[4]), threads);
        },
        operands);
}

}  // namespace

Built build_nbits_product(PlanBuilder& builder, const Node& node) {
    const auto a = attrs<MatMulNBitsAttrs>(node);
    if (!builder.is_dense(node.input(0), DType::Float32) || !builder.is_dense(node.output(0), DType::Float32)) return Built::No;
    const Shape source = builder.shape(node.input(0));
    if (source.rank() < 1 || source[source.rank() - 1] != a.inner) return Built::No;
    std::vector<Tensor> inputs(1);
    for (int index = 1; index < node.input_count(); ++index) {
        if (node.input(index) && !builder.is_known(node.input(index))) return Built::No;
        inputs.push_back(node.input(index) ? *builder.known(node.input(index)) : Tensor{});
    }
    if (inputs.size() > 4 && inputs[4].defined()) return Built::No;
    const Tensor bias = inputs.size() > 5 ? inputs[5] : Tensor{};
    if (inputs.size() < 3 || inputs[2].dtype() != DType::Float32) return Built::No;
    if (bias.defined() && (bias.dtype() != DType::Float32 || bias.element_count() != a.columns)) return Built::No;

    const auto type = builder.float_type();
    const std::int64_t rows = source.element_count() / a.inner;
    if (type == dnnl::memory::data_type::f32 && a.bits == 4 && rows > 0 && rows <= kMostPackedRows && can_multiply_packed(a.block_size)) {
        add_packed_product(builder, node, a, inputs, bias);
        return Built::Yes;
    }
    const Shape weights{a.inner, a.columns};
    ProductSpec spec;
    spec.source = plain_desc(Shape{rows, a.inner}, type);
    spec.weights = any_desc(weights, type);
    spec.destination = plain_desc(Shape{rows, a.columns}, type);
    if (bias.defined()) spec.bias = plain_desc(Shape{1, a.columns}, dnnl::memory::data_type::f32);
    Primitive primitive = make_matmul(builder.engine(), spec);
    if (primitive.is_reference()) return Built::No;
    std::vector<Tensor> outputs(1);
    const Tensor dequantized = reference::dequantized_nbits_weights(KernelContext{node, inputs, outputs, builder.threads()});
    const Desc stored = strided_desc(weights, dnnl::memory::data_type::f32, {1, a.inner});
    std::vector<Operand> operands{{DNNL_ARG_SRC, builder.view(builder.form(node.input(0), plain_desc(source, type)), spec.source)},
                                  {DNNL_ARG_WEIGHTS, builder.constant(dequantized, stored, primitive.weights)}};
    if (bias.defined()) operands.push_back({DNNL_ARG_BIAS, builder.constant(bias, *spec.bias, *spec.bias)});
    const BufferId result = builder.result(node.output(0), plain_desc(builder.shape(node.output(0)), type));
    operands.push_back({DNNL_ARG_DST, builder.view(result, spec.destination)});
    const std::string precision = type == dnnl::memory::data_type::bf16 ? "bf16" : "f32";
    builder.add({node.op_type(), precision + " (weights dequantized)", builder.macs(node)}, std::move(primitive), std::move(operands));
    return Built::Yes;
}

}  // namespace mcompress::onednn
