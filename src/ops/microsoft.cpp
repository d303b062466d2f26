// Operators of ONNX Runtime's domain com.microsoft that quantized and optimized models use often.
#include "ops/conv.h"
#include "ops/elementwise.h"
#include "ops/infer_rules.h"
#include "ops/matmul.h"
#include "ops/quantization.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

// QLinearAdd and its kin: A, A scale, A zero point, B, B scale, B zero point, C scale, C zero point.
void infer_qlinear_binary(InferContext& context) {
    const ValueType& a = context.input(0);
    const ValueType& b = context.input(3);
    if (!a.has_rank() || !b.has_rank()) return context.set_output(0, tensor_of(a.dtype));
    context.set_output(0, ValueType::tensor(a.dtype, broadcast_dims(context, *a.dims, *b.dims)));
}

void infer_quantize_like(InferContext& context) {
    const DType dtype = context.has_input(2) ? context.input(2).dtype : DType::UInt8;
    context.set_output(0, {ValueType::Kind::Tensor, dtype, context.input(0).dims, nullptr, {}});
}

void infer_dequantize_like(InferContext& context) {
    context.set_output(0, {ValueType::Kind::Tensor, context.input(1).dtype, context.input(0).dims, nullptr, {}});
}

constexpr std::string_view kDomain = "com.microsoft";

// clang-format off
constexpr OpInfo kRows[] = {
    {kDomain, "BiasGelu", 1, 2, 2, 1, 1, infer_broadcast},
    {kDomain, "DequantizeLinear", 1, 2, 3, 1, 1, infer_dequantize_like, check_attrs<QuantizeLinearAttrs>},
    {kDomain, "FastGelu", 1, 1, 2, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {kDomain, "Gelu", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {kDomain, "QLinearAdd", 1, 7, 8, 1, 1, infer_qlinear_binary},
    {kDomain, "QLinearLeakyRelu", 1, 4, 5, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {kDomain, "QLinearMul", 1, 7, 8, 1, 1, infer_qlinear_binary},
    {kDomain, "QLinearSigmoid", 1, 4, 5, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {kDomain, "QuantizeLinear", 1, 2, 3, 1, 1, infer_quantize_like, check_attrs<QuantizeLinearAttrs>},
    {kDomain, "QuickGelu", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
};
// clang-format on

}  // namespace

std::span<const OpInfo> microsoft_rows() { return kRows; }

}  // namespace mcompress
