// Channel rules of operators that compute: products, normalizations, quantizers, pools, reductions.
#include <algorithm>

#include "ops/conv.h"
#include "ops/matmul.h"
#include "ops/normalization.h"
#include "ops/quantization.h"
#include "ops/reduce.h"
#include "ops/softmax.h"
#include "passes/compress/channel_relations.h"

namespace mcompress {

namespace {

constexpr std::string_view kMixes = "it mixes elements along this axis";
constexpr std::string_view kNormalizes = "it normalizes over this axis, so that removing channels would change the others";
constexpr std::string_view kStatistic = "it is a statistic or a mask";

std::span<const Atom> at(Axes axes, int axis) { return ChannelRelations::at(axes, axis); }
std::vector<Atom> list(std::span<const Atom> axis) { return {axis.begin(), axis.end()}; }

// ---- convolutions ----

/// Where a convolution's operands are among its inputs. Parameters are per output channel: scales and zero points of quantized weights.
struct ConvOperands {
    int data = 0, weight = 1, bias = 2;
    std::vector<int> parameters;
};

/// The two axes of the weight hold [groups, channels of a group] and channels of a group of the other side.
struct ConvSides {
    std::span<const Atom> grouped, single;
};

void relate_grouped(Node& node, ChannelRelations& relations, ConvSides weight, ConvSides data, std::int64_t groups) {
    if (groups == 1) {
        relations.join(node, weight.grouped, data.grouped);
        return relations.join(node, weight.single, data.single);
    }
    const auto count = static_cast<std::size_t>(groups);
    if (data.grouped.size() % count != 0 || data.single.size() % count != 0 || data.grouped.empty() || data.single.empty())
        return relations.freeze(node, "its channels are not known");
    const std::vector<Atom> group = relations.atoms.create(groups);
    const std::vector<Atom> inner = relations.atoms.create(static_cast<std::int64_t>(data.grouped.size() / count));
    relations.compose(node, weight.grouped, {group, inner});
    relations.compose(node, data.grouped, {group, inner});
    relations.compose(node, data.single, {group, list(weight.single)});
    relations.count_attribute(node, "group", group);
}

void relate_conv_with(Node& node, ChannelRelations& relations, const ConvOperands& operands, std::int64_t groups, int grouped_axis) {
    const Axes data = relations.in(node, operands.data), weight = relations.in(node, operands.weight), result = relations.out(node, 0);
    if (weight.size() < 3 || data.size() != weight.size() || result.size() != weight.size() || groups < 1)
        return relations.freeze(node, "the shape of its kernel is not known");
    relations.join(node, at(data, 0), at(result, 0));
    for (int axis = 2; axis < static_cast<int>(data.size()); ++axis)
        for (const Axes axes : {data, weight, result}) relations.freeze(node, at(axes, axis), kMixes);
    const ConvSides sides = grouped_axis == 1 ? ConvSides{at(result, 1), at(data, 1)} : ConvSides{at(data, 1), at(result, 1)};
    relate_grouped(node, relations, {at(weight, 0), at(weight, 1)}, sides, groups);
    std::vector<int> parameters = operands.parameters;
    parameters.push_back(operands.bias);
    for (const int input : parameters)
        if (const Axes axes = relations.in(node, input); !axes.empty() && axes[0].size() != 1) relations.join(node, axes[0], at(result, 1));
}

// A Conv's weight is [outputs, inputs of a group, taps …], ConvTranspose's [inputs, outputs of a group, taps …].
constexpr int kOutputsGrouped = 1, kInputsGrouped = 0;

void relate_conv(Node& node, ChannelRelations& relations) {
    relate_conv_with(node, relations, {}, attrs<ConvAttrs>(node).group, kOutputsGrouped);
}
/// A fourth operand is added to the result.
void relate_fused_conv(Node& node, ChannelRelations& relations) {
    relate_conv(node, relations);
    relations.join_broadcast(node, relations.in(node, 3), relations.out(node, 0));
}
void relate_conv_transpose(Node& node, ChannelRelations& relations) {
    relate_conv_with(node, relations, {}, attrs<ConvTransposeAttrs>(node).group, kInputsGrouped);
}
void relate_conv_integer(Node& node, ChannelRelations& relations) {
    relate_conv_with(node, relations, {0, 1, -1, {3}}, attrs<ConvAttrs>(node).group, kOutputsGrouped);
}
void relate_qlinear_conv(Node& node, ChannelRelations& relations) {
    relate_conv_with(node, relations, {0, 3, 8, {4, 5}}, attrs<ConvAttrs>(node).group, kOutputsGrouped);
}

// ---- matrix products ----

void relate_gemm(Node& node, ChannelRelations& relations) {
    const GemmAttrs gemm = attrs<GemmAttrs>(node);
    const int a_inner = gemm.a == MatrixOrder::AsStored ? 1 : 0, b_inner = gemm.b == MatrixOrder::AsStored ? 0 : 1;
    const Axes a = relations.in(node, 0), b = relations.in(node, 1), result = relations.out(node, 0);
    if (a.size() != 2 || b.size() != 2 || result.size() != 2) return relations.freeze(node, "its operands are no matrices");
    relations.join(node, at(a, a_inner), at(b, b_inner));
    relations.join(node, at(a, 1 - a_inner), at(result, 0));
    relations.join(node, at(b, 1 - b_inner), at(result, 1));
    relations.join_broadcast(node, relations.in(node, 2), result);
}

void relate_matmul_of(Node& node, ChannelRelations& relations, Axes a, Axes b) {
    const Axes result = relations.out(node, 0);
    const int a_rank = static_cast<int>(a.size()), b_rank = static_cast<int>(b.size()), rank = static_cast<int>(result.size());
    if (a_rank < 2 || b_rank < 2 || rank != std::max(a_rank, b_rank)) return relations.freeze(node, "an operand is a vector");
    relations.join(node, at(a, a_rank - 1), at(b, b_rank - 2));
    relations.join(node, at(a, a_rank - 2), at(result, rank - 2));
    relations.join(node, at(b, b_rank - 1), at(result, rank - 1));
    const Axes batch = result.first(static_cast<std::size_t>(rank - 2));
    relations.join_broadcast(node, a.first(static_cast<std::size_t>(a_rank - 2)), batch);
    relations.join_broadcast(node, b.first(static_cast<std::size_t>(b_rank - 2)), batch);
    if (a_rank < 3 || b_rank < 3) return;
    for (const std::vector<Atom>& axis : batch) relations.heads.insert(relations.heads.end(), axis.begin(), axis.end());
}

void relate_matmul(Node& node, ChannelRelations& relations) {
    relate_matmul_of(node, relations, relations.in(node, 0), relations.in(node, 1));
}

void relate_parameter(Node& node, ChannelRelations& relations, int input, std::span<const Atom> axis) {
    const Axes parameter = relations.in(node, input);
    if (parameter.size() > 1) return relations.freeze(node, "its scales are not one a column");
    if (parameter.size() == 1 && parameter[0].size() != 1) relations.join(node, parameter[0], axis);
}

void relate_matmul_integer(Node& node, ChannelRelations& relations) {
    relate_matmul_of(node, relations, relations.in(node, 0), relations.in(node, 1));
    const Axes result = relations.out(node, 0);
    relate_parameter(node, relations, 3, at(result, static_cast<int>(result.size()) - 1));
    for (const std::vector<Atom>& axis : relations.in(node, 2))
        if (axis.size() != 1) relations.freeze(node, "its scales are not one a column");
}

// ---- normalizations ----

void relate_channel_norm(Node& node, ChannelRelations& relations) {
    const Axes data = relations.in(node, 0);
    relations.join(node, data, relations.out(node, 0));
    for (int input = 1; input < node.input_count(); ++input)
        if (const Axes parameter = relations.in(node, input); parameter.size() == 1) relations.join(node, parameter[0], at(data, 1));
        else relations.freeze(node, parameter, kMixes);
    for (int output = 1; output < node.output_count(); ++output) relations.freeze(node, relations.out(node, output), kStatistic);
}

void relate_batch_norm(Node& node, ChannelRelations& relations) {
    const BatchNormAttrs norm = attrs<BatchNormAttrs>(node);
    if (norm.mode != BatchNormAttrs::Mode::Inference || norm.statistics != BatchNormAttrs::Statistics::PerChannel)
        return relations.freeze(node, "its statistics are not constant per channel");
    relate_channel_norm(node, relations);
}

void relate_instance_norm(Node& node, ChannelRelations& relations) {
    for (int axis = 2; axis < static_cast<int>(relations.in(node, 0).size()); ++axis)
        relations.freeze(node, at(relations.in(node, 0), axis), kNormalizes);
    relate_channel_norm(node, relations);
}

void relate_group_norm(Node& node, ChannelRelations& relations) {
    const GroupNormAttrs norm = attrs<GroupNormAttrs>(node);
    const Axes data = relations.in(node, 0);
    const std::span<const Atom> channels = at(data, 1);
    relations.join(node, data, relations.out(node, 0));
    for (int axis = 2; axis < static_cast<int>(data.size()); ++axis) relations.freeze(node, at(data, axis), kNormalizes);
    if (norm.num_groups < 1 || channels.size() % static_cast<std::size_t>(norm.num_groups) != 0)
        return relations.freeze(node, "its channels are not known");
    const std::vector<Atom> groups = relations.atoms.create(norm.num_groups);
    const std::vector<Atom> inner = relations.atoms.create(static_cast<std::int64_t>(channels.size()) / norm.num_groups);
    relations.freeze(node, inner, kNormalizes);
    relations.compose(node, channels, {groups, inner});
    relations.count_attribute(node, "num_groups", groups);
    for (int input = 1; input <= 2; ++input)
        relations.join(node, at(relations.in(node, input), 0),
                       norm.parameters == GroupNormAttrs::Parameters::PerGroup ? std::span<const Atom>(groups) : channels);
}

/// Everything has the input's shape, or its last axes; the axes from `first` on are normalized over.
void relate_over_axes(Node& node, ChannelRelations& relations, int first, int last) {
    const Axes data = relations.in(node, 0);
    for (int input = 1; input < node.input_count(); ++input) relations.join_broadcast(node, relations.in(node, input), data);
    for (int output = 0; output < node.output_count(); ++output)
        if (relations.out(node, output).size() == data.size()) relations.join_broadcast(node, relations.out(node, output), data);
    if (relations.normalized_axes == NormalizedAxes::MayShrink) return;
    for (int axis = first; axis < last; ++axis) relations.freeze(node, at(data, axis), kNormalizes);
}

void relate_layer_norm(Node& node, ChannelRelations& relations) {
    const int rank = static_cast<int>(relations.in(node, 0).size());
    relate_over_axes(node, relations, normalize_axis(attrs<LayerNormAttrs>(node).axis, rank).value_or(0), rank);
}

void relate_skip_norm(Node& node, ChannelRelations& relations) {
    const int rank = static_cast<int>(relations.in(node, 0).size());
    relate_over_axes(node, relations, rank - 1, rank);
}

void relate_normalized(Node& node, ChannelRelations& relations, std::int64_t first_axis, SoftmaxAttrs::Extent extent) {
    const int rank = static_cast<int>(relations.in(node, 0).size());
    const std::optional<int> first = normalize_axis(first_axis, rank);
    if (!first) return relations.freeze(node, "its axis is not known");
    relations.join(node, relations.in(node, 0), relations.out(node, 0));
    for (int axis = *first; axis < (extent == SoftmaxAttrs::Extent::OneAxis ? *first + 1 : rank); ++axis)
        relations.freeze(node, at(relations.in(node, 0), axis), kNormalizes);
}

void relate_softmax(Node& node, ChannelRelations& relations) {
    const SoftmaxAttrs softmax = attrs<SoftmaxAttrs>(node);
    relate_normalized(node, relations, softmax.axis, softmax.extent);
}

void relate_lp_norm(Node& node, ChannelRelations& relations) {
    relate_normalized(node, relations, attrs<LpNormAttrs>(node).axis, SoftmaxAttrs::Extent::OneAxis);
}

void relate_neighbours(Node& node, ChannelRelations& relations) {
    relations.join(node, relations.in(node, 0), relations.out(node, 0));
    relations.freeze(node, at(relations.in(node, 0), 1), kNormalizes);
}

// ---- quantizers ----

void relate_quantizer(Node& node, ChannelRelations& relations) {
    const Axes data = relations.in(node, 0), scale = relations.in(node, 1);
    relations.join(node, data, relations.out(node, 0));
    if (scale.size() > 1) return relations.freeze(node, "its scales are in blocks");
    if (scale.empty() || scale[0].size() == 1) return;
    const std::optional<int> axis = normalize_axis(attrs<QuantizeLinearAttrs>(node).axis, static_cast<int>(data.size()));
    if (!axis) return relations.freeze(node, "its axis is not known");
    for (int input = 1; input <= 2; ++input)
        if (const Axes parameter = relations.in(node, input); parameter.size() == 1) relations.join(node, parameter[0], at(data, *axis));
}

// ---- pools and reductions ----

void relate_pool(Node& node, ChannelRelations& relations) {
    for (int axis = 0; axis < 2; ++axis) relations.join(node, at(relations.in(node, 0), axis), at(relations.out(node, 0), axis));
    for (int axis = 2; axis < static_cast<int>(relations.in(node, 0).size()); ++axis) {
        relations.freeze(node, at(relations.in(node, 0), axis), kMixes);
        relations.freeze(node, at(relations.out(node, 0), axis), kMixes);
    }
    for (int output = 1; output < node.output_count(); ++output) relations.freeze(node, relations.out(node, output), kStatistic);
    relations.freeze_inputs(node, 1, kMixes);
}

void relate_reduction_over(Node& node, ChannelRelations& relations, const std::vector<int>& reduced, bool keeps_dims) {
    relations.freeze_inputs(node, 1, kMixes);
    const Axes data = relations.in(node, 0), result = relations.out(node, 0);
    int kept = 0;
    for (int axis = 0; axis < static_cast<int>(data.size()); ++axis) {
        const bool is_reduced = std::binary_search(reduced.begin(), reduced.end(), axis);
        if (is_reduced) relations.freeze(node, at(data, axis), kMixes);
        else relations.join(node, at(data, axis), at(result, keeps_dims ? axis : kept++));
    }
}

void relate_reduction(Node& node, ChannelRelations& relations) {
    const ReduceAttrs reduce = attrs<ReduceAttrs>(node);
    if (reduce.axes.input >= 0 && node.input(reduce.axes.input) && !reduce.axes.values)
        return relations.freeze(node, "its axes are computed");
    const int rank = static_cast<int>(relations.in(node, 0).size());
    relate_reduction_over(node, relations, reduce.resolve(rank, reduce.axes.values.value_or(std::vector<std::int64_t>{})),
                          reduce.keeps_dims);
}

void relate_arg_reduction(Node& node, ChannelRelations& relations) {
    const ArgReduceAttrs reduce = attrs<ArgReduceAttrs>(node);
    const std::optional<int> axis = normalize_axis(reduce.axis, static_cast<int>(relations.in(node, 0).size()));
    if (!axis) return relations.freeze(node, "its axis is not known");
    relate_reduction_over(node, relations, {*axis}, reduce.keeps_dims);
}

// clang-format off
constexpr ChannelRule kRules[] = {
    {"", "ArgMax", relate_arg_reduction},
    {"", "ArgMin", relate_arg_reduction},
    {"", "AveragePool", relate_pool},
    {"", "BatchNormalization", relate_batch_norm},
    {"", "Conv", relate_conv},
    {"", "ConvInteger", relate_conv_integer},
    {"", "ConvTranspose", relate_conv_transpose},
    {"", "DequantizeLinear", relate_quantizer},
    {"", "Gemm", relate_gemm},
    {"", "GlobalAveragePool", relate_pool},
    {"", "GlobalLpPool", relate_pool},
    {"", "GlobalMaxPool", relate_pool},
    {"", "GridSample", relate_pool},
    {"", "GroupNormalization", relate_group_norm},
    {"", "Hardmax", relate_softmax},
    {"", "InstanceNormalization", relate_instance_norm},
    {"", "LRN", relate_neighbours},
    {"", "LayerNormalization", relate_layer_norm},
    {"", "LogSoftmax", relate_softmax},
    {"", "LpNormalization", relate_lp_norm},
    {"", "LpPool", relate_pool},
    {"", "MatMul", relate_matmul},
    {"", "MatMulInteger", relate_matmul_integer},
    {"", "MaxPool", relate_pool},
    {"", "QLinearConv", relate_qlinear_conv},
    {"", "QuantizeLinear", relate_quantizer},
    {"", "RMSNormalization", relate_layer_norm},
    {"", "ReduceL1", relate_reduction},
    {"", "ReduceL2", relate_reduction},
    {"", "ReduceLogSum", relate_reduction},
    {"", "ReduceLogSumExp", relate_reduction},
    {"", "ReduceMax", relate_reduction},
    {"", "ReduceMean", relate_reduction},
    {"", "ReduceMin", relate_reduction},
    {"", "ReduceProd", relate_reduction},
    {"", "ReduceSum", relate_reduction},
    {"", "ReduceSumSquare", relate_reduction},
    {"", "SimplifiedLayerNormalization", relate_layer_norm},
    {"", "Softmax", relate_softmax},
    {"com.microsoft", "FusedConv", relate_fused_conv},
    {"com.microsoft", "SkipLayerNormalization", relate_skip_norm},
    {"com.microsoft", "SkipSimplifiedLayerNormalization", relate_skip_norm},
};
// clang-format on

}  // namespace

std::span<const ChannelRule> compute_channel_rules() { return kRules; }

}  // namespace mcompress
