// Normalizations and the softmax family.
#include "ops/normalization.h"

#include "ops/infer_rules.h"
#include "ops/rows.h"
#include "ops/softmax.h"

namespace mcompress {

namespace {

void check_channels(const InferContext& context, int parameter) {
    const ValueType& input = context.input(0);
    const ValueType& type = context.input(parameter);
    if (!input.has_rank() || !type.has_rank() || input.rank() < 2 || type.rank() != 1) return;
    (void)merge_dims(context, (*input.dims)[1], (*type.dims)[0]);
}

void infer_batch_norm(InferContext& context) {
    const BatchNormAttrs attrs = BatchNormAttrs::read(context.node());
    const ValueType& input = context.input(0);
    if (context.opset() >= 14 && attrs.mode == BatchNormAttrs::Mode::Inference && context.output_count() > 1)
        context.reject(format("has {} outputs, one is expected where nothing is trained", context.output_count()));
    if (attrs.statistics == BatchNormAttrs::Statistics::PerChannel)
        for (int parameter = 1; parameter <= 4; ++parameter) check_channels(context, parameter);
    infer_same(context);
    const Dims channels{input.has_rank() && input.rank() > 1 ? (*input.dims)[1] : Dim()};
    for (int output = 1; output < context.output_count(); ++output)
        context.set_output(output, ValueType::tensor(context.input(output < 3 ? 2 + output : output).dtype, channels));
}

void infer_instance_norm(InferContext& context) {
    check_channels(context, 1);
    check_channels(context, 2);
    infer_same(context);
}

// Mean and InvStdDev keep the axes in front of the normalized ones; the others become 1.
void infer_layer_norm(InferContext& context) {
    const LayerNormAttrs attrs = LayerNormAttrs::read(context.node());
    const ValueType& input = context.input(0);
    infer_same(context);
    const DType statistics = static_cast<DType>(attrs.stash_type == 16 ? 16 : 1);
    for (int output = 1; output < context.output_count(); ++output) context.set_output(output, tensor_of(statistics));
    if (!input.has_rank()) return;
    const int axis = checked_axis(context, attrs.axis, input.rank());
    Dims kept = *input.dims;
    for (std::size_t at = static_cast<std::size_t>(axis); at < kept.size(); ++at) kept[at] = 1;
    for (int output = 1; output < context.output_count(); ++output) context.set_output(output, ValueType::tensor(statistics, kept));
}

// The result has the element type of the scale.
void infer_rms_norm(InferContext& context) {
    infer_layer_norm(context);
    ValueType result = context.input(0);
    result.dtype = context.input(1).dtype;
    context.set_output(0, result);
}

void infer_axis_norm(InferContext& context) {
    const LpNormAttrs attrs = LpNormAttrs::read(context.node());
    if (context.input(0).has_rank()) (void)checked_axis(context, attrs.axis, context.input(0).rank());
    infer_same(context);
}

void infer_softmax(InferContext& context) {
    const SoftmaxAttrs attrs = SoftmaxAttrs::read(context.node());
    const ValueType& input = context.input(0);
    // As a matrix: the axis may lie behind the last one.
    const int places = input.has_rank() ? input.rank() + (attrs.extent == SoftmaxAttrs::Extent::AxisAndFollowing ? 1 : 0) : 0;
    if (input.has_rank() && input.rank() > 0) (void)checked_axis(context, attrs.axis, places);
    infer_same(context);
}

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "BatchNormalization", 1, 5, 5, 1, 5, infer_batch_norm, check_attrs<BatchNormAttrs>},
    {"", "BatchNormalization", 6, 5, 5, 1, 5, infer_batch_norm, check_attrs<BatchNormAttrs>},
    {"", "BatchNormalization", 7, 5, 5, 1, 5, infer_batch_norm, check_attrs<BatchNormAttrs>},
    {"", "BatchNormalization", 9, 5, 5, 1, 5, infer_batch_norm, check_attrs<BatchNormAttrs>},
    {"", "BatchNormalization", 14, 5, 5, 1, 3, infer_batch_norm, check_attrs<BatchNormAttrs>},
    {"", "BatchNormalization", 15, 5, 5, 1, 3, infer_batch_norm, check_attrs<BatchNormAttrs>},
    {"", "GroupNormalization", 18, 3, 3, 1, 1, infer_same, check_attrs<GroupNormAttrs>},
    {"", "GroupNormalization", 21, 3, 3, 1, 1, infer_same, check_attrs<GroupNormAttrs>},
    {"", "Hardmax", 1, 1, 1, 1, 1, infer_softmax, check_attrs<SoftmaxAttrs>},
    {"", "Hardmax", 11, 1, 1, 1, 1, infer_softmax, check_attrs<SoftmaxAttrs>},
    {"", "Hardmax", 13, 1, 1, 1, 1, infer_softmax, check_attrs<SoftmaxAttrs>},
    {"", "InstanceNormalization", 1, 3, 3, 1, 1, infer_instance_norm, check_attrs<InstanceNormAttrs>},
    {"", "InstanceNormalization", 6, 3, 3, 1, 1, infer_instance_norm, check_attrs<InstanceNormAttrs>},
    {"", "InstanceNormalization", 22, 3, 3, 1, 1, infer_instance_norm, check_attrs<InstanceNormAttrs>},
    {"", "LRN", 1, 1, 1, 1, 1, infer_same, check_attrs<LrnAttrs>},
    {"", "LRN", 13, 1, 1, 1, 1, infer_same, check_attrs<LrnAttrs>},
    {"", "LayerNormalization", 1, 2, 3, 1, 3, infer_layer_norm, check_attrs<LayerNormAttrs>},
    {"", "LayerNormalization", 17, 2, 3, 1, 3, infer_layer_norm, check_attrs<LayerNormAttrs>},
    {"", "LogSoftmax", 1, 1, 1, 1, 1, infer_softmax, check_attrs<SoftmaxAttrs>},
    {"", "LogSoftmax", 11, 1, 1, 1, 1, infer_softmax, check_attrs<SoftmaxAttrs>},
    {"", "LogSoftmax", 13, 1, 1, 1, 1, infer_softmax, check_attrs<SoftmaxAttrs>},
    {"", "LpNormalization", 1, 1, 1, 1, 1, infer_axis_norm, check_attrs<LpNormAttrs>},
    {"", "LpNormalization", 22, 1, 1, 1, 1, infer_axis_norm, check_attrs<LpNormAttrs>},
    {"", "MeanVarianceNormalization", 9, 1, 1, 1, 1, infer_same, check_attrs<MeanVarianceNormAttrs>},
    {"", "MeanVarianceNormalization", 13, 1, 1, 1, 1, infer_same, check_attrs<MeanVarianceNormAttrs>},
    {"", "RMSNormalization", 23, 2, 2, 1, 1, infer_rms_norm, check_attrs<LayerNormAttrs>},
    {"", "SimplifiedLayerNormalization", 1, 2, 2, 1, 2, infer_rms_norm, check_attrs<LayerNormAttrs>},
    {"", "Softmax", 1, 1, 1, 1, 1, infer_softmax, check_attrs<SoftmaxAttrs>},
    {"", "Softmax", 11, 1, 1, 1, 1, infer_softmax, check_attrs<SoftmaxAttrs>},
    {"", "Softmax", 13, 1, 1, 1, 1, infer_softmax, check_attrs<SoftmaxAttrs>},
};
// clang-format on

}  // namespace

std::span<const OpInfo> normalization_rows() { return kRows; }

}  // namespace mcompress
