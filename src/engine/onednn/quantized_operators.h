// Builders of steps that work on 8-bit codes.
#pragma once

#include "engine/fused_groups.h"
#include "engine/onednn/operators.h"

namespace mcompress::onednn {

/// Built::No: the group runs as its single nodes in float.
Built build_group(PlanBuilder& builder, const QuantizedGroup& group);
Built build_quantized_product(PlanBuilder& builder, const QuantizedGroup& group);
Built build_quantized_binary(PlanBuilder& builder, const QuantizedGroup& group);
Built build_quantized_pool(PlanBuilder& builder, const QuantizedGroup& group);
Built build_quantized_average(PlanBuilder& builder, const QuantizedGroup& group);
Built build_quantized_concat(PlanBuilder& builder, const QuantizedGroup& group);
Built build_quantized_softmax(PlanBuilder& builder, const QuantizedGroup& group);
Built build_quantized_move(PlanBuilder& builder, const QuantizedGroup& group);
Built build_quantized_table(PlanBuilder& builder, const QuantizedGroup& group);

/// QuantizeLinear and DequantizeLinear on their own.
Built build_quantize(PlanBuilder& builder, const Node& node);
Built build_dequantize(PlanBuilder& builder, const Node& node);

/// What activations behind an operator do to the codes of its result.
struct CodeClamp {
    QuantRange range;
    float slope = 1.0F;
};
/// Nothing when they cannot be expressed on codes.
std::optional<CodeClamp> clamp_of(const PropagatedValues& values, const std::vector<const Node*>& activations, const QuantParams& result);

std::string group_label(const QuantizedGroup& group);
/// "u8", "s8", "f32"
std::string code_name(DType dtype);

}  // namespace mcompress::onednn
