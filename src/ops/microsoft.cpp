// com.microsoft: activations, and operators that ONNX Runtime had before the standard did.
#include "ops/microsoft.h"

#include "ops/elementwise.h"
#include "ops/indexing.h"
#include "ops/infer_rules.h"
#include "ops/rows.h"
#include "ops/shape.h"

namespace mcompress {

namespace {

// Data and the bias of its last axis.
void infer_biased(InferContext& context) {
    const ValueType& input = context.input(0);
    const Dims* bias = dims_of_rank(context, 1, 1);
    if (bias && input.has_rank() && input.rank() > 0) (void)merge_dims(context, input.dims->back(), bias->front());
    infer_same(context);
}

// data, bias, residual, ratio, training_mode.
void infer_bias_dropout(InferContext& context) {
    infer_same(context);
    context.set_output(1, {ValueType::Kind::Tensor, DType::Bool, context.input(0).dims, nullptr, {}});
}

// [N, S, D] with a bias of D: the first half times gelu of the second.
void infer_bias_split_gelu(InferContext& context) {
    const ValueType& input = context.input(0);
    infer_biased(context);
    if (!input.has_rank()) return;
    if (input.rank() < 1) context.reject("the input is a scalar");
    Dims output = *input.dims;
    if (output.back().is_known() && output.back().extent() % 2 != 0) context.reject("the last extent is odd");
    output.back() = output.back().is_known() ? Dim(output.back().extent() / 2) : Dim();
    context.set_output(0, ValueType::tensor(input.dtype, std::move(output)));
}

// X [N, C, H, W], rois [R, 4], batch indices [R], crop size [2].
void infer_crop_and_resize(InferContext& context) {
    Dims output = unknown_dims(4);
    if (const Dims* dims = dims_of_rank(context, 0, 4)) output[1] = (*dims)[1];
    if (const Dims* rois = dims_of_rank(context, 1, 2)) output[0] = (*rois)[0];
    if (const auto size = context.constant_integers(3)) {
        if (size->size() != 2 || (*size)[0] < 1 || (*size)[1] < 1) context.reject("the crop size is not two positive numbers");
        output[2] = (*size)[0];
        output[3] = (*size)[1];
    }
    context.set_output(0, ValueType::tensor(context.input(0).dtype, std::move(output)));
}

void infer_expand_dims(InferContext& context) {
    const ValueType& input = context.input(0);
    if (!input.has_rank()) return context.set_output(0, tensor_of(input.dtype));
    const auto axis = context.constant_integers(1);
    if (axis && axis->size() != 1) context.reject("the axis is not one number");
    Dims output = axis ? *input.dims : unknown_dims(input.rank() + 1);
    if (axis) output.insert(output.begin() + checked_axis(context, (*axis)[0], input.rank() + 1), Dim(1));
    context.set_output(0, ValueType::tensor(input.dtype, std::move(output)));
}

void infer_inverse(InferContext& context) {
    const ValueType& input = context.input(0);
    if (input.has_rank() && input.rank() < 2) context.reject(format("the input has rank {}, expected at least 2", input.rank()));
    if (input.has_rank()) (void)merge_dims(context, (*input.dims)[input.dims->size() - 2], input.dims->back());
    infer_same(context);
}

// A vector: its distinct elements in order of appearance, the position of each element among them, and how often each occurs.
void infer_unique(InferContext& context) {
    const Dims* dims = dims_of_rank(context, 0, 1);
    context.set_output(0, ValueType::tensor(context.input(0).dtype, unknown_dims(1)));
    context.set_output(1, ValueType::tensor(DType::Int64, dims ? *dims : unknown_dims(1)));
    context.set_output(2, ValueType::tensor(DType::Int64, unknown_dims(1)));
}

constexpr std::string_view kDomain = "com.microsoft";

// clang-format off
constexpr OpInfo kRows[] = {
    {kDomain, "BiasDropout", 1, 2, 5, 1, 2, infer_bias_dropout},
    {kDomain, "BiasGelu", 1, 2, 2, 1, 1, infer_biased},
    {kDomain, "BiasSoftmax", 1, 2, 2, 1, 1, infer_same, check_attrs<BiasSoftmaxAttrs>},
    {kDomain, "BiasSplitGelu", 1, 2, 2, 1, 1, infer_bias_split_gelu},
    {kDomain, "CropAndResize", 1, 4, 4, 1, 1, infer_crop_and_resize, check_attrs<CropAndResizeAttrs>},
    {kDomain, "ExpandDims", 1, 2, 2, 1, 1, infer_expand_dims, nullptr, nullptr, DataFlow::Selects},
    {kDomain, "FastGelu", 1, 1, 2, 1, 1, infer_biased, nullptr, nullptr, DataFlow::Elementwise},
    {kDomain, "GatherND", 1, 2, 2, 1, 1, infer_as<"GatherND">, check_attrs<GatherNdAttrs>, nullptr, DataFlow::Selects},
    {kDomain, "Gelu", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {kDomain, "GridSample", 1, 2, 2, 1, 1, infer_as<"GridSample">},
    {kDomain, "Inverse", 1, 1, 1, 1, 1, infer_inverse},
    {kDomain, "Pad", 1, 2, 3, 1, 1, infer_as<"Pad">, check_attrs<PadAttrs>, nullptr, DataFlow::Selects},
    {kDomain, "QuickGelu", 1, 1, 1, 1, 1, infer_same, check_attrs<QuickGeluAttrs>, nullptr, DataFlow::Elementwise},
    {kDomain, "Range", 1, 2, 3, 1, 1, infer_as<"Range">},
    {kDomain, "Trilu", 1, 1, 2, 1, 1, infer_as<"Trilu">, check_attrs<TriluAttrs>},
    {kDomain, "Unique", 1, 1, 1, 3, 3, infer_unique},
};
// clang-format on

}  // namespace

std::span<const OpInfo> microsoft_rows() { return kRows; }

}  // namespace mcompress
