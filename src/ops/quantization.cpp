// QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear.
#include "ops/quantization.h"

#include <cmath>

#include "ops/infer_rules.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

// Dividing by such a scale gives nothing that could be rounded. What multiplies by it may well be 0 (a block of zeros) or negative (codes of an even number of
// levels), but not infinite.
void check_scale_values(const InferContext& context, bool (*is_valid)(float), const char* expected) {
    const Tensor* const scale = context.constant(1);
    if (!scale || scale->dtype() != DType::Float32) return;
    for (const float value : scale->values<float>())
        if (!is_valid(value)) context.reject(format("a scale is {}, expected {}", value, expected));
}

// A scale per axis must have one value a slice; a blocked one the input's rank.
void check_scale(const InferContext& context, const QuantizeLinearAttrs& attrs) {
    const ValueType& input = context.input(0);
    const ValueType& scale = context.input(1);
    const ValueType& zero_point = context.input(2);
    if (scale.has_rank() && zero_point.has_rank()) {
        if (scale.rank() != zero_point.rank() && !(scale.shape() == Shape{1} || zero_point.shape() == Shape{1}))
            context.reject("scale and zero point have different ranks");
        for (std::size_t axis = 0; scale.rank() == zero_point.rank() && axis < scale.dims->size(); ++axis)
            (void)merge_dims(context, (*scale.dims)[axis], (*zero_point.dims)[axis]);
    }
    if (!input.has_rank() || !scale.has_rank() || scale.rank() == 0) return;
    if (attrs.block_size > 0) {
        if (scale.rank() != input.rank()) context.reject("the scale of blocks does not have the rank of the input");
        (void)checked_axis(context, attrs.axis, input.rank());
        return;
    }
    if (scale.rank() != 1) context.reject(format("the scale has rank {}, expected 0 or 1", scale.rank()));
    const Dim& count = (*scale.dims)[0];
    if (!count.is_known() || count == Dim(1)) return;
    const int axis = checked_axis(context, attrs.axis, input.rank());
    (void)merge_dims(context, (*input.dims)[static_cast<std::size_t>(axis)], count);
}

void infer_quantize(InferContext& context) {
    const QuantizeLinearAttrs attrs = QuantizeLinearAttrs::read(context.node());
    check_scale(context, attrs);
    check_scale_values(
        context, [](float value) { return std::isfinite(value) && value > 0.0F; }, "a positive number");
    DType dtype = context.has_input(2) ? context.input(2).dtype : attrs.output_dtype;
    if (!context.has_input(2) && dtype == DType::Undefined) dtype = DType::UInt8;
    context.set_output(0, {ValueType::Kind::Tensor, dtype, context.input(0).dims, nullptr, {}});
}

void infer_dequantize(InferContext& context) {
    const QuantizeLinearAttrs attrs = QuantizeLinearAttrs::read(context.node());
    check_scale(context, attrs);
    check_scale_values(
        context, [](float value) { return std::isfinite(value); }, "a finite number");
    if (context.has_input(2)) (void)merge_dtypes(context, 0, 2);
    DType dtype = attrs.output_dtype == DType::Undefined ? context.input(1).dtype : attrs.output_dtype;
    if (dtype == DType::Float8E8M0) dtype = DType::Float32;  // a scale that is no type of numbers to compute with
    if (context.opset() < 19 && context.node().domain().empty()) dtype = DType::Float32;
    context.set_output(0, {ValueType::Kind::Tensor, dtype, context.input(0).dims, nullptr, {}});
}

void infer_dynamic_quantize(InferContext& context) {
    context.set_output(0, {ValueType::Kind::Tensor, DType::UInt8, context.input(0).dims, nullptr, {}});
    context.set_output(1, ValueType::tensor(DType::Float32, Dims{}));
    context.set_output(2, ValueType::tensor(DType::UInt8, Dims{}));
}

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "DequantizeLinear", 10, 2, 3, 1, 1, infer_dequantize, check_attrs<QuantizeLinearAttrs>},
    {"", "DequantizeLinear", 13, 2, 3, 1, 1, infer_dequantize, check_attrs<QuantizeLinearAttrs>},
    {"", "DequantizeLinear", 19, 2, 3, 1, 1, infer_dequantize, check_attrs<QuantizeLinearAttrs>},
    {"", "DequantizeLinear", 21, 2, 3, 1, 1, infer_dequantize, check_attrs<QuantizeLinearAttrs>},
    {"", "DequantizeLinear", 23, 2, 3, 1, 1, infer_dequantize, check_attrs<QuantizeLinearAttrs>},
    {"", "DequantizeLinear", 24, 2, 3, 1, 1, infer_dequantize, check_attrs<QuantizeLinearAttrs>},
    {"", "DynamicQuantizeLinear", 11, 1, 1, 3, 3, infer_dynamic_quantize},
    {"", "QuantizeLinear", 10, 2, 3, 1, 1, infer_quantize, check_attrs<QuantizeLinearAttrs>},
    {"", "QuantizeLinear", 13, 2, 3, 1, 1, infer_quantize, check_attrs<QuantizeLinearAttrs>},
    {"", "QuantizeLinear", 19, 2, 3, 1, 1, infer_quantize, check_attrs<QuantizeLinearAttrs>},
    {"", "QuantizeLinear", 21, 2, 3, 1, 1, infer_quantize, check_attrs<QuantizeLinearAttrs>},
    {"", "QuantizeLinear", 23, 2, 3, 1, 1, infer_quantize, check_attrs<QuantizeLinearAttrs>},
    {"", "QuantizeLinear", 24, 2, 3, 1, 1, infer_quantize, check_attrs<QuantizeLinearAttrs>},
};
// clang-format on

}  // namespace

std::span<const OpInfo> quantization_rows() { return kRows; }

}  // namespace mcompress
