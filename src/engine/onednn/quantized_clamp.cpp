#include <algorithm>

#include "engine/onednn/quantized_operators.h"
#include "ops/elementwise.h"
#include "quant/affine.h"

namespace mcompress::onednn {

std::optional<CodeClamp> clamp_of(const PropagatedValues& values, const std::vector<const Node*>& activations, const QuantParams& result) {
    CodeClamp clamp{integer_range(result.dtype), 1.0F};
    const QuantRange whole = clamp.range;
    const auto code = [&](float value) { return quantize_value(value, result.scale, result.zero_point, whole); };
    for (const Node* node : activations) {
        const auto operations = activation_of(values, *node);
        if (!operations || operations->operations.size() != 1) return std::nullopt;
        const EltwisePostOp& operation = operations->operations.front();
        if (operation.algorithm == dnnl::algorithm::eltwise_clip) {
            clamp.range.min = std::max(clamp.range.min, code(operation.alpha));
            clamp.range.max = std::min(clamp.range.max, code(operation.beta));
        } else if (operation.algorithm == dnnl::algorithm::eltwise_relu && operation.alpha == 0.0F) {
            clamp.range.min = std::max(clamp.range.min, code(0.0F));
        } else if (operation.algorithm == dnnl::algorithm::eltwise_relu && activations.size() == 1 && operation.alpha > 0.0F) {
            clamp.slope = operation.alpha;
        } else {
            return std::nullopt;
        }
    }
    if (clamp.range.min > clamp.range.max) return std::nullopt;
    return clamp;
}

std::string group_label(const QuantizedGroup& group) {
    std::string label;
    for (const Node* node : group.nodes)
        if (!node->is("QuantizeLinear") || group.nodes.size() == 1) label += (label.empty() ? "" : "+") + node->op_type();
    return label;
}

std::string code_name(DType dtype) { return dtype == DType::UInt8 ? "u8" : dtype == DType::Int8 ? "s8" : "f32"; }

Built build_group(PlanBuilder& builder, const QuantizedGroup& group) {
    using Kind = QuantizedGroup::Kind;
    for (const QuantizedTensor& input : group.inputs)
        if (!builder.is_dense(input.codes, input.params.dtype)) return Built::No;
    if (!builder.is_dense(group.output, group.output_params ? group.output_params->dtype : DType::Float32)) return Built::No;
    switch (group.kind) {
        case Kind::Product: return build_quantized_product(builder, group);
        case Kind::Binary: return build_quantized_binary(builder, group);
        case Kind::Pool: return build_quantized_pool(builder, group);
        case Kind::Average: return build_quantized_average(builder, group);
        case Kind::Concat: return build_quantized_concat(builder, group);
        case Kind::Softmax: return build_quantized_softmax(builder, group);
        case Kind::Move: return build_quantized_move(builder, group);
        case Kind::Table: return build_quantized_table(builder, group);
    }
    return Built::No;
}

}  // namespace mcompress::onednn
