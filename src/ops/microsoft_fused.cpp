// com.microsoft: convolutions, products and normalizations with what graph optimizers fuse into them.
#include <algorithm>

#include "ops/infer_rules.h"
#include "ops/microsoft.h"
#include "ops/normalization.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

// The optional sum (input 3) has the output's shape.
void infer_fused_conv(InferContext& context) {
    infer_as<"Conv">(context);
    const ValueType& output = context.outputs()[0];
    const ValueType& sum = context.input(3);
    if (!sum.has_rank() || !output.has_rank()) return;
    if (sum.rank() != output.rank()) context.reject("the sum does not have the rank of the output");
    for (std::size_t axis = 0; axis < sum.dims->size(); ++axis) (void)merge_dims(context, (*sum.dims)[axis], (*output.dims)[axis]);
}

void infer_fused_matmul(InferContext& context) {
    const FusedMatMulAttrs attrs = FusedMatMulAttrs::read(context.node());
    const ValueType& a = context.input(0);
    const ValueType& b = context.input(1);
    const DType dtype = merge_dtypes(context, 0, 1);
    if (!a.has_rank() || !b.has_rank()) return context.set_output(0, tensor_of(dtype));
    auto dims = matmul_dims(attrs.a.turned(*a.dims), attrs.b.turned(*b.dims));
    if (!dims) context.reject(format("{} and {} cannot be multiplied as matrices", a.to_string(), b.to_string()));
    context.set_output(0, ValueType::tensor(dtype, std::move(*dims)));
}

std::int64_t fused_matmul_macs(const Node& node, std::span<const ValueType> inputs, std::span<const ValueType> outputs) {
    const Dims a = FusedMatMulAttrs::read(node).a.turned(*inputs[0].dims);
    return a.empty() ? 0 : saturating_multiply(element_count(outputs[0]), a.back().extent());
}

// Pads are input 2; without them the attribute list is empty and the pads are 0.
void infer_conv_transpose_dynamic(InferContext& context) {
    const auto pads = context.constant_integers(2);
    if (!context.has_input(2)) return infer_as<"ConvTranspose">(context);
    (void)ConvTransposeAttrs::read(context.node());
    const DType dtype = merge_dtypes(context, 0, 1);
    const ValueType& input = context.input(0);
    if (!input.has_rank()) return context.set_output(0, tensor_of(dtype));
    if (input.rank() < 3) context.reject(format("the input has rank {}, expected at least 3", input.rank()));
    if (pads && pads->size() != 2 * (input.dims->size() - 2)) context.reject(format("{} pads are given", pads->size()));
    Dims output = unknown_dims(input.rank());
    output[0] = (*input.dims)[0];
    context.set_output(0, ValueType::tensor(dtype, std::move(output)));
}

// Mean and inverse deviation (outputs 1 and 2) keep all axes but the last, which is 1.
void set_statistics(InferContext& context) {
    const ValueType& input = context.input(0);
    for (const int output : {1, 2}) {
        if (!input.has_rank()) {
            context.set_output(output, tensor_of(DType::Float32));
            continue;
        }
        Dims dims = *input.dims;
        if (!dims.empty()) dims.back() = 1;
        context.set_output(output, ValueType::tensor(DType::Float32, std::move(dims)));
    }
}

void check_hidden(const InferContext& context, int index) {
    const ValueType& input = context.input(0);
    const Dims* dims = dims_of_rank(context, index, 1);
    if (dims && input.has_rank() && input.rank() > 0) (void)merge_dims(context, input.dims->back(), dims->front());
}

// input, skip, gamma, beta and bias (or bias alone): output, mean, inverse deviation, sum.
void infer_skip_norm(InferContext& context) {
    const ValueType& input = context.input(0);
    if (input.has_rank() && input.rank() < 2) context.reject(format("the input has rank {}, expected 2 or 3", input.rank()));
    for (int index = 2; index < context.input_count(); ++index) check_hidden(context, index);
    infer_same(context);
    set_statistics(context);
    ValueType sum = input;
    sum.extra.clear();
    context.set_output(3, std::move(sum));
}

// input_ids, segment_ids, word, position and segment embedding, gamma, beta, mask, position_ids: output, mask index, sum.
void infer_embed_norm(InferContext& context) {
    const Dims* ids = dims_of_rank(context, 0, 2);
    const Dims* words = dims_of_rank(context, 2, 2);
    Dims output = unknown_dims(3);
    if (ids) std::copy(ids->begin(), ids->end(), output.begin());
    if (words) output[2] = (*words)[1];
    const DType dtype = context.input(2).dtype;
    context.set_output(1, ValueType::tensor(DType::Int32, Dims{output[0]}));
    context.set_output(2, ValueType::tensor(dtype, output));
    context.set_output(0, ValueType::tensor(dtype, std::move(output)));
}

std::int64_t gemm_fast_gelu_macs(const Node&, std::span<const ValueType> inputs, std::span<const ValueType> outputs) {
    return inputs[0].dims->empty() ? 0 : saturating_multiply(element_count(outputs[0]), inputs[0].dims->back().extent());
}

constexpr std::string_view kDomain = "com.microsoft";

// clang-format off
constexpr OpInfo kRows[] = {
    {kDomain, "ConvTransposeWithDynamicPads", 1, 2, 4, 1, 1, infer_conv_transpose_dynamic, check_attrs<ConvTransposeAttrs>, macs_as<"ConvTranspose">},
    {kDomain, "EmbedLayerNormalization", 1, 7, 9, 1, 3, infer_embed_norm, check_attrs<SkipNormAttrs>},
    {kDomain, "FusedConv", 1, 2, 4, 1, 1, infer_fused_conv, check_attrs<FusedConvAttrs>, macs_as<"Conv">},
    {kDomain, "FusedGemm", 1, 2, 3, 1, 1, infer_as<"Gemm">, check_attrs<FusedGemmAttrs>, macs_as<"Gemm">},
    {kDomain, "FusedMatMul", 1, 2, 2, 1, 1, infer_fused_matmul, check_attrs<FusedMatMulAttrs>, fused_matmul_macs},
    {kDomain, "FusedMatMulActivation", 1, 2, 2, 1, 1, infer_fused_matmul, check_attrs<FusedMatMulAttrs>, fused_matmul_macs},
    {kDomain, "GemmFastGelu", 1, 2, 3, 1, 1, infer_as<"MatMul">, nullptr, gemm_fast_gelu_macs},
    {kDomain, "LayerNormalization", 1, 2, 3, 1, 3, infer_as<"LayerNormalization">, check_attrs<LayerNormAttrs>},
    {kDomain, "SimplifiedLayerNormalization", 1, 2, 2, 1, 2, infer_as<"SimplifiedLayerNormalization">, check_attrs<LayerNormAttrs>},
    {kDomain, "SkipLayerNormalization", 1, 3, 5, 1, 4, infer_skip_norm, check_attrs<SkipNormAttrs>},
    {kDomain, "SkipSimplifiedLayerNormalization", 1, 3, 4, 1, 4, infer_skip_norm, check_attrs<SkipNormAttrs>},
    {kDomain, "TransposeMatMul", 1, 2, 2, 1, 1, infer_fused_matmul, check_attrs<FusedMatMulAttrs>, fused_matmul_macs},
};
// clang-format on

}  // namespace

std::span<const OpInfo> microsoft_fused_rows() { return kRows; }

}  // namespace mcompress
