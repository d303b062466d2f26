// Scale rules of operators that compute: products with constant weights, normalizations, arithmetic, activations, pools, reductions.
#include <algorithm>
#include <limits>

#include "ops/conv.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/normalization.h"
#include "ops/reduce.h"
#include "tune/scale_relations.h"

namespace mcompress {

namespace {

using enum ScaleDirection;

constexpr std::string_view kMixes = "it mixes elements along this axis";
constexpr std::string_view kOnce = "it adds the same constant to several of them";

// ---- products with constant weights ----

/// The weight's extent along an axis; 0 when there is no such weight.
std::int64_t weight_extent(const Node& node, int axis) {
    const Tensor* weight = known_tensor(node.input(1));
    return weight && axis < weight->shape().rank() ? weight->shape()[axis] : 0;
}

std::vector<Atom> list(std::span<const Atom> atoms) { return {atoms.begin(), atoms.end()}; }

/// Axis 1 of input and output are the channels of a kernel.
bool has_kernel(const Node& node, const ScaleRelations& relations, std::int64_t groups) {
    const Tensor* weight = known_tensor(node.input(1));
    if (!weight || weight->shape().rank() < 3 || groups < 1) return false;
    const int rank = weight->shape().rank();
    return relations.atoms.rank(node.input(0)) == rank && relations.atoms.rank(node.output(0)) == rank && weight->shape()[0] % groups == 0;
}

void relate_conv(Node& node, ScaleRelations& relations) {
    const std::int64_t groups = attrs<ConvAttrs>(node).group;
    if (!has_kernel(node, relations, groups)) return relations.freeze(node, "its weight is not a constant kernel");
    relations.freeze_others(node, node.input(0), 1, kMixes);
    relations.freeze_others(node, node.output(0), 1, kMixes);
    const Tensor& weight = *known_tensor(node.input(1));
    const std::int64_t outputs = weight_extent(node, 0);
    const std::int64_t inputs = weight_extent(node, 1);
    const std::int64_t taps = weight.shape().product(2, weight.shape().rank());
    const std::span<const Atom> read = relations.atoms.along(node.input(0), 1);
    const std::span<const Atom> written = relations.atoms.along(node.output(0), 1);
    if (static_cast<std::int64_t>(read.size()) != inputs * groups || static_cast<std::int64_t>(written.size()) != outputs)
        return relations.freeze(node, "its channels are not known");
    relations.scale({&node, 1, {groups, outputs / groups, inputs, taps}, {inputs, 0, 1, 0}, list(read), Against});
    relations.scale_along(node, 1, 0, written, Along);
    if (node.input(2)) relations.scale_along(node, 2, 0, written, Along);
}

void relate_conv_transpose(Node& node, ScaleRelations& relations) {
    const std::int64_t groups = attrs<ConvTransposeAttrs>(node).group;
    if (!has_kernel(node, relations, groups)) return relations.freeze(node, "its weight is not a constant kernel");
    relations.freeze_others(node, node.input(0), 1, kMixes);
    relations.freeze_others(node, node.output(0), 1, kMixes);
    const Tensor& weight = *known_tensor(node.input(1));
    const std::int64_t inputs = weight_extent(node, 0);
    const std::int64_t outputs = weight_extent(node, 1);
    const std::int64_t taps = weight.shape().product(2, weight.shape().rank());
    const std::span<const Atom> written = relations.atoms.along(node.output(0), 1);
    if (static_cast<std::int64_t>(written.size()) != outputs * groups) return relations.freeze(node, "its channels are not known");
    relations.scale_along(node, 1, 0, relations.atoms.along(node.input(0), 1), Against);
    relations.scale({&node, 1, {groups, inputs / groups, outputs, taps}, {outputs, 0, 1, 0}, list(written), Along});
    if (node.input(2)) relations.scale_along(node, 2, 0, written, Along);
}

void relate_gemm(Node& node, ScaleRelations& relations) {
    const GemmAttrs gemm = attrs<GemmAttrs>(node);
    if (gemm.a != MatrixOrder::AsStored) return relations.freeze(node, "its first operand is transposed");
    if (node.input(2) && !known_tensor(node.input(2))) return relations.freeze(node, "its bias is not a constant");
    const int column_axis = gemm.b == MatrixOrder::Transposed ? 0 : 1;
    relations.freeze_others(node, node.input(0), 1, kMixes);
    relations.freeze_others(node, node.output(0), 1, kMixes);
    relations.freeze(node, node.input(1), "its weight is not a constant");
    relations.scale_along(node, 1, 1 - column_axis, relations.atoms.along(node.input(0), 1), Against);
    relations.scale_along(node, 1, column_axis, relations.atoms.along(node.output(0), 1), Along);
    if (node.input(2)) relations.scale_broadcast(node, 2, node.output(0), Along, kOnce);
}

void relate_matmul(Node& node, ScaleRelations& relations) {
    const Tensor* weight = known_tensor(node.input(1));
    const int rank = relations.atoms.rank(node.output(0));
    if (!weight || weight->shape().rank() != 2 || rank < 2 || relations.atoms.rank(node.input(0)) != rank)
        return relations.freeze(node, "its second operand is not a constant matrix");
    relations.freeze_others(node, node.input(0), rank - 1, kMixes);
    relations.freeze_others(node, node.output(0), rank - 1, kMixes);
    relations.scale_along(node, 1, 0, relations.atoms.along(node.input(0), rank - 1), Against);
    relations.scale_along(node, 1, 1, relations.atoms.along(node.output(0), rank - 1), Along);
}

// ---- normalizations ----

/// The result is `scale` times something that does not depend on the factors of the input, plus `bias`, along one axis.
void relate_normalization(Node& node, ScaleRelations& relations, int axis) {
    relations.freeze(node, node.input(0), "it normalizes over its channels");
    for (int output = 1; output < node.output_count(); ++output)
        if (node.output(output)) relations.freeze(node, node.output(output), "it is a statistic of a normalization");
    relations.freeze_others(node, node.output(0), axis, kMixes);
    for (int input = 1; input <= 2; ++input)
        if (node.input(input)) relations.scale_along(node, input, 0, relations.atoms.along(node.output(0), axis), Along);
}

void relate_layer_norm(Node& node, ScaleRelations& relations) {
    const int rank = relations.atoms.rank(node.output(0));
    const std::int64_t axis = attrs<LayerNormAttrs>(node).axis;
    if (rank == 0 || (axis != -1 && axis != rank - 1)) return relations.freeze(node, "it normalizes over several axes");
    relate_normalization(node, relations, rank - 1);
}

void relate_instance_norm(Node& node, ScaleRelations& relations) { relate_normalization(node, relations, 1); }

void relate_group_norm(Node& node, ScaleRelations& relations) {
    if (attrs<GroupNormAttrs>(node).parameters != GroupNormAttrs::Parameters::PerChannel)
        return relations.freeze(node, "its parameters are per group");
    relate_normalization(node, relations, 1);
}

/// y = (x - mean) / sqrt(var + epsilon) * scale + bias: scale takes in the ratio of the factors, mean those of x, bias those of y.
void relate_batch_norm(Node& node, ScaleRelations& relations) {
    const BatchNormAttrs norm = attrs<BatchNormAttrs>(node);
    if (norm.mode != BatchNormAttrs::Mode::Inference || norm.statistics != BatchNormAttrs::Statistics::PerChannel)
        return relations.freeze(node, "its statistics are not constant per channel");
    const std::span<const Atom> read = relations.atoms.along(node.input(0), 1);
    const std::span<const Atom> written = relations.atoms.along(node.output(0), 1);
    relations.freeze_others(node, node.input(0), 1, kOnce);
    relations.freeze_others(node, node.output(0), 1, kOnce);
    relations.scale_along(node, 1, 0, read, Against);
    relations.scale_along(node, 1, 0, written, Along);
    relations.scale_along(node, 2, 0, written, Along);
    relations.scale_along(node, 3, 0, read, Along);
}

// ---- arithmetic ----

bool is_activation(const Node& node, int input) { return node.input(input) && !known_tensor(node.input(input)); }

/// An operand that is broadcast meets its elements several times: there it may have no factors, and neither may the result.
void join_broadcast(const Node& node, ScaleRelations& relations, const Value* operand, const Value* result) {
    AxisAtoms& atoms = relations.atoms;
    const int offset = atoms.rank(result) - atoms.rank(operand);
    if (atoms.rank(operand) == 0 || offset < 0) return relations.freeze(node, result, "an operand's shape is not known");
    for (int axis = 0; axis < atoms.rank(result); ++axis) {
        if (axis >= offset && atoms.along(operand, axis - offset).size() == atoms.along(result, axis).size()) {
            relations.join(node, operand, axis - offset, result, axis);
            continue;
        }
        relations.freeze(node, result, axis, "an operand is broadcast along it");
        if (axis >= offset) relations.freeze(node, operand, axis - offset, "it is broadcast");
    }
}

/// Add, Sub, Sum: all operands and the result share their factors.
void relate_add(Node& node, ScaleRelations& relations) {
    for (int input = 0; input < node.input_count(); ++input)
        if (is_activation(node, input)) join_broadcast(node, relations, node.input(input), node.output(0));
    for (int input = 0; input < node.input_count(); ++input)
        if (!is_activation(node, input)) relations.scale_broadcast(node, input, node.output(0), Along, kOnce);
}

/// Times (or divided by) a constant: it takes in the ratio where it has one element a channel; elsewhere factors pass.
void relate_constant_factor(Node& node, ScaleRelations& relations, int constant, ScaleDirection result) {
    const Value* read = node.input(1 - constant);
    const Value* written = node.output(0);
    const Tensor& tensor = *known_tensor(node.input(constant));
    const int rank = relations.atoms.rank(written);
    if (relations.atoms.rank(read) != rank || tensor.shape().rank() > rank)
        return relations.freeze(node, "its constant is broadcast to more axes");
    const int offset = rank - tensor.shape().rank();
    for (int axis = 0; axis < rank; ++axis) {
        const std::size_t extent = axis < offset ? 1 : static_cast<std::size_t>(tensor.shape()[axis - offset]);
        const std::span<const Atom> in = relations.atoms.along(read, axis);
        const std::span<const Atom> out = relations.atoms.along(written, axis);
        if (extent == 1 || extent != in.size() || extent != out.size()) {
            relations.join(node, read, axis, written, axis);
            continue;
        }
        relations.scale_along(node, constant, axis - offset, out, result);
        relations.scale_along(node, constant, axis - offset, in, result == Along ? Against : Along);
    }
}

/// A factor passes a product of two activations where the other one has none.
void relate_product(Node& node, ScaleRelations& relations) {
    AxisAtoms& atoms = relations.atoms;
    const Value* result = node.output(0);
    if (atoms.rank(node.input(0)) == 0 || atoms.rank(node.input(1)) == 0) return relations.freeze(node, "an operand's shape is not known");
    for (int axis = 0; axis < atoms.rank(result); ++axis) {
        const auto operand_axis = [&](int input) { return axis - atoms.rank(result) + atoms.rank(node.input(input)); };
        const auto along = [&](int input) { return atoms.along(node.input(input), operand_axis(input)); };
        int carrier = atoms.are_frozen(along(1)) || along(0).size() >= along(1).size() ? 0 : 1;
        if (atoms.are_frozen(along(0)) && along(1).size() == atoms.along(result, axis).size()) carrier = 1;
        relations.freeze(node, node.input(1 - carrier), operand_axis(1 - carrier), "it is multiplied by another activation");
        if (along(carrier).size() == atoms.along(result, axis).size())
            relations.join(node, node.input(carrier), operand_axis(carrier), result, axis);
        else {
            relations.freeze(node, node.input(carrier), operand_axis(carrier), "it is broadcast");
            relations.freeze(node, result, axis, "an operand is broadcast along it");
        }
    }
}

void relate_mul(Node& node, ScaleRelations& relations) {
    if (!is_activation(node, 0)) return relate_constant_factor(node, relations, 0, Along);
    if (!is_activation(node, 1)) return relate_constant_factor(node, relations, 1, Along);
    relate_product(node, relations);
}

void relate_div(Node& node, ScaleRelations& relations) {
    if (is_activation(node, 0) && !is_activation(node, 1)) return relate_constant_factor(node, relations, 1, Against);
    relations.freeze(node, "it divides by an activation");
}

// ---- activations, pools, reductions ----

/// f(k x) = k f(x) for k > 0.
void relate_homogeneous(Node& node, ScaleRelations& relations) {
    relations.join(node, node.input(0), node.output(0));
    for (int output = 1; output < node.output_count(); ++output)
        if (node.output(output)) relations.freeze(node, node.output(output), "it is a mask");
}

void relate_prelu(Node& node, ScaleRelations& relations) {
    if (is_activation(node, 1)) return relations.freeze(node, "its slope is not a constant");
    relate_homogeneous(node, relations);
}

void relate_dropout(Node& node, ScaleRelations& relations) {
    if (attrs<DropoutAttrs>(node).mode != DropoutAttrs::Mode::Inference) return relations.freeze(node, "it drops elements");
    relate_homogeneous(node, relations);
}

void relate_clip(Node& node, ScaleRelations& relations) {
    const ClipAttrs clip = attrs<ClipAttrs>(node);
    if (!clip.is_settled()) return relations.freeze(node, "its bounds are computed");
    const double infinite = std::numeric_limits<double>::infinity();
    const ClipBound bound{node.output(0), clip.min.value.value_or(-infinite), clip.max.value.value_or(infinite)};
    if (!(bound.low <= 0.0 && bound.high > 0.0)) return relations.freeze(node, "its bounds do not hold 0");
    relate_homogeneous(node, relations);
    relations.bounds.push_back(bound);
}

/// Pools over space.
void relate_pool(Node& node, ScaleRelations& relations) {
    relations.freeze_others(node, node.input(0), 1, kMixes);
    relations.freeze_others(node, node.output(0), 1, kMixes);
    relations.join(node, node.input(0), 1, node.output(0), 1);
    if (node.output(1)) relations.freeze(node, node.output(1), "it holds indices");
}

/// Reductions that are linear, or homogeneous, in every element: factors pass along the axes that stay.
void relate_reduction(Node& node, ScaleRelations& relations) {
    const ReduceAttrs reduce = attrs<ReduceAttrs>(node);
    const int rank = relations.atoms.rank(node.input(0));
    if (rank == 0 || (reduce.axes.input >= 0 && !reduce.axes.values)) return relations.freeze(node, "its axes are computed");
    const std::vector<int> reduced = reduce.resolve(rank, reduce.axes.values.value_or(std::vector<std::int64_t>{}));
    int kept = 0;
    for (int axis = 0; axis < rank; ++axis) {
        const bool is_reduced = std::binary_search(reduced.begin(), reduced.end(), axis);
        if (is_reduced) relations.freeze(node, node.input(0), axis, kMixes);
        else relations.join(node, node.input(0), axis, node.output(0), reduce.keeps_dims ? axis : kept++);
        if (is_reduced && reduce.keeps_dims) relations.freeze(node, node.output(0), axis, kMixes);
    }
}

// clang-format off
constexpr ScaleRule kRules[] = {
    {"Abs", relate_homogeneous},
    {"Add", relate_add},
    {"AveragePool", relate_pool},
    {"BatchNormalization", relate_batch_norm},
    {"Clip", relate_clip},
    {"Conv", relate_conv},
    {"ConvTranspose", relate_conv_transpose},
    {"Div", relate_div},
    {"Dropout", relate_dropout},
    {"Gemm", relate_gemm},
    {"GlobalAveragePool", relate_pool},
    {"GlobalMaxPool", relate_pool},
    {"GroupNormalization", relate_group_norm},
    {"Identity", relate_homogeneous},
    {"InstanceNormalization", relate_instance_norm},
    {"LayerNormalization", relate_layer_norm},
    {"LeakyRelu", relate_homogeneous},
    {"MatMul", relate_matmul},
    {"MaxPool", relate_pool},
    {"Mul", relate_mul},
    {"Neg", relate_homogeneous},
    {"PRelu", relate_prelu},
    {"RMSNormalization", relate_layer_norm},
    {"ReduceMax", relate_reduction},
    {"ReduceMean", relate_reduction},
    {"ReduceMin", relate_reduction},
    {"ReduceSum", relate_reduction},
    {"Relu", relate_homogeneous},
    {"SimplifiedLayerNormalization", relate_layer_norm},
    {"Sub", relate_add},
    {"Sum", relate_add},
};
// clang-format on

}  // namespace

std::span<const ScaleRule> compute_scale_rules() { return kRules; }

}  // namespace mcompress
