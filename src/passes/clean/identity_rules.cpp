#include "passes/clean/identity_rules.h"

#include <algorithm>
#include <array>
#include <limits>

#include "ops/elementwise.h"
#include "ops/shape.h"
#include "passes/constant_values.h"
#include "passes/dims.h"

namespace mcompress {

namespace {

const ValueType& output_type(const Node& node) { return node.output(0)->type(); }

Value* always(const Node& node) { return node.input(0); }

Value* dropout(const Node& node) { return attrs<DropoutAttrs>(node).mode == DropoutAttrs::Mode::Inference ? node.input(0) : nullptr; }

Value* only_input(const Node& node) { return node.input_count() == 1 ? node.input(0) : nullptr; }

Value* only_output(const Node& node) { return node.output_count() == 1 ? node.input(0) : nullptr; }

Value* clip(const Node& node) {
    const auto attributes = attrs<ClipAttrs>(node);
    return attributes.min.is_absent() && attributes.max.is_absent() ? node.input(0) : nullptr;
}

// ---- casts ----

/// Every value of `from` is exactly a value of `through`.
bool holds_every_value(DType through, DType from) {
    const bool is_wider = dtype_bits(through) > dtype_bits(from);
    if (through == from) return true;
    if (is_float(from)) return is_wider && (through == DType::Float32 || through == DType::Float64);
    if (through == DType::Bool || from == DType::Bool) return false;
    if (is_signed_integer(from)) return is_wider && is_signed_integer(through);
    return is_unsigned_integer(from) && is_wider && (is_unsigned_integer(through) || is_signed_integer(through));
}

Value* cast(const Node& node) {
    Value* input = node.input(0);
    const DType target = output_type(node).dtype;
    if (!input || !input->type().is_tensor() || target == DType::Undefined) return nullptr;
    if (input->type().dtype == target) return input;
    const Node* before = input->producer();
    if (!before || !before->is("Cast")) return nullptr;
    Value* origin = before->input(0);
    const bool is_back = origin->type().is_tensor() && origin->type().dtype == target;
    return is_back && holds_every_value(input->type().dtype, target) ? origin : nullptr;
}

// ---- operators that only rename axes ----

bool is_reshaping(const Node& node) { return node.is("Reshape") || node.is("Flatten") || node.is("Squeeze") || node.is("Unsqueeze"); }

/// The nearest value up a chain of reshaping nodes that has the shape of the output.
Value* reshape(const Node& node) {
    constexpr int kLongestChain = 4;
    const Node* each = &node;
    for (int hop = 0; hop < kLongestChain && each && is_reshaping(*each); ++hop) {
        Value* source = each->input(0);
        if (!source) return nullptr;
        if (source->type().dtype == output_type(node).dtype && is_same_shape_given_count(source->type(), output_type(node))) return source;
        each = source->producer();
    }
    return nullptr;
}

/// A permutation that leaves the order of all axes longer than 1, and every axis its extent.
bool keeps_elements(const std::vector<int>& perm, const ValueType& type) {
    int last = -1;
    for (std::size_t axis = 0; axis < perm.size(); ++axis) {
        const Dim& from = (*type.dims)[static_cast<std::size_t>(perm[axis])];
        if (perm[axis] != static_cast<int>(axis) && !is_same_dim(from, (*type.dims)[axis])) return false;
        if (from == Dim(1)) continue;
        if (perm[axis] < last) return false;
        last = perm[axis];
    }
    return true;
}

Value* transpose(const Node& node) {
    Value* input = node.input(0);
    if (!input || !input->type().has_rank()) return nullptr;
    const std::vector<int> perm = attrs<TransposeAttrs>(node).resolve(input->type().rank());
    if (keeps_elements(perm, input->type())) return input;
    const Node* before = input->producer();
    if (!before || !before->is("Transpose") || !before->input(0) || !before->input(0)->type().has_rank()) return nullptr;
    const std::vector<int> first = attrs<TransposeAttrs>(*before).resolve(input->type().rank());
    std::vector<int> both;
    for (const int axis : perm) both.push_back(first[static_cast<std::size_t>(axis)]);
    return keeps_elements(both, before->input(0)->type()) ? before->input(0) : nullptr;
}

// ---- operators that copy, extend or cut ----

Value* same_shape(const Node& node) {
    return node.input(0) && is_same_shape(node.input(0)->type(), output_type(node)) ? node.input(0) : nullptr;
}

Value* tile(const Node& node) {
    const auto repeats = attrs<TileAttrs>(node).repeats.values;
    const bool is_once = repeats && std::all_of(repeats->begin(), repeats->end(), [](std::int64_t times) { return times == 1; });
    return is_once ? node.input(0) : nullptr;
}

Value* pad(const Node& node) {
    const auto attributes = attrs<PadAttrs>(node);
    const auto& pads = attributes.pads.values;
    const bool is_nothing = pads && std::all_of(pads->begin(), pads->end(), [](std::int64_t amount) { return amount == 0; });
    return is_nothing ? node.input(0) : nullptr;
}

/// Whether a slice takes all of an axis whatever its extent. Exporters write "to the end" as one of the greatest integers.
bool takes_everything(std::int64_t start, std::int64_t end) { return start == 0 && end >= std::numeric_limits<std::int32_t>::max(); }

Value* slice(const Node& node) {
    const auto attributes = attrs<SliceAttrs>(node);
    const auto& steps = attributes.steps;
    const bool is_dense =
        steps.is_absent() || (steps.values && std::all_of(steps.values->begin(), steps.values->end(), [](auto step) { return step == 1; }));
    if (!is_dense) return nullptr;
    if (Value* input = same_shape(node)) return input;
    const auto& starts = attributes.starts.values;
    const auto& ends = attributes.ends.values;
    if (!starts || !ends || starts->size() != ends->size()) return nullptr;
    for (std::size_t at = 0; at < starts->size(); ++at)
        if (!takes_everything((*starts)[at], (*ends)[at])) return nullptr;
    return node.input(0);
}

Value* depth_to_space(const Node& node) { return attrs<DepthToSpaceAttrs>(node).blocksize == 1 ? node.input(0) : nullptr; }

// ---- arithmetic with a neutral element ----

/// The operand at `index` when the other one is a constant full of `neutral` that does not enlarge the shape.
Value* operand_beside(const Node& node, int index, double neutral) {
    Value* operand = node.input(index);
    const Tensor* constant = known_tensor(node.input(1 - index));
    if (!operand || !constant || operand->type().dtype != output_type(node).dtype) return nullptr;
    return is_same_shape(operand->type(), output_type(node)) && is_filled_with(*constant, neutral) ? operand : nullptr;
}

template <int neutral> Value* right_neutral(const Node& node) { return operand_beside(node, 0, neutral); }

template <int neutral> Value* neutral_on_any_side(const Node& node) {
    Value* operand = operand_beside(node, 0, neutral);
    return operand ? operand : operand_beside(node, 1, neutral);
}

struct IdentityRule {
    std::string_view op;
    Value* (*unchanged)(const Node&);
};

// clang-format off
constexpr auto kRules = std::to_array<IdentityRule>({
    {"Identity", always},
    {"Dropout", dropout},
    {"Cast", cast},
    {"CastLike", cast},
    {"Reshape", reshape},
    {"Flatten", reshape},
    {"Squeeze", reshape},
    {"Unsqueeze", reshape},
    {"Transpose", transpose},
    {"Concat", only_input},
    {"Sum", only_input},
    {"Mean", only_input},
    {"Max", only_input},
    {"Min", only_input},
    {"Split", only_output},
    {"Clip", clip},
    {"Expand", same_shape},
    {"Tile", tile},
    {"Pad", pad},
    {"Slice", slice},
    {"DepthToSpace", depth_to_space},
    {"SpaceToDepth", depth_to_space},
    {"Add", neutral_on_any_side<0>},
    {"Sub", right_neutral<0>},
    {"Mul", neutral_on_any_side<1>},
    {"Div", right_neutral<1>},
    {"Pow", right_neutral<1>},
});
// clang-format on

}  // namespace

Value* unchanged_input(const Node& node) {
    if (!node.domain().empty()) return nullptr;
    for (const IdentityRule& rule : kRules)
        if (node.op_type() == rule.op) return rule.unchanged(node);
    return nullptr;
}

}  // namespace mcompress
