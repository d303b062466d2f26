// Scale rules of operators that move elements: an index of the result shares the factor of the index it comes from.
#include <algorithm>
#include <optional>

#include "ops/indexing.h"
#include "ops/shape.h"
#include "tune/scale_relations.h"

namespace mcompress {

namespace {

constexpr std::string_view kComputed = "where it takes elements from is computed";

void join_others(const Node& node, ScaleRelations& relations, const Value* a, const Value* b, int axis) {
    if (relations.atoms.rank(a) != relations.atoms.rank(b)) return relations.freeze(node, "its operands' ranks are not known to be equal");
    for (int other = 0; other < relations.atoms.rank(a); ++other)
        if (other != axis) relations.join(node, a, other, b, other);
}

/// An axis whose atoms are missing has no indices to follow.
bool has_atoms(const ScaleRelations& relations, const Value* value, int axis) { return !relations.atoms.along(value, axis).empty(); }

void relate_transpose(Node& node, ScaleRelations& relations) {
    const int rank = relations.atoms.rank(node.input(0));
    if (rank == 0 || relations.atoms.rank(node.output(0)) != rank) return relations.freeze(node, "its rank is not known");
    const std::vector<int> perm = attrs<TransposeAttrs>(node).resolve(rank);
    for (int axis = 0; axis < rank; ++axis) relations.join(node, node.input(0), perm[static_cast<std::size_t>(axis)], node.output(0), axis);
}

void relate_concat(Node& node, ScaleRelations& relations) {
    const Value* result = node.output(0);
    const std::optional<int> axis = normalize_axis(attrs<ConcatAttrs>(node).axis, relations.atoms.rank(result));
    if (!axis) return relations.freeze(node, "its rank is not known");
    const std::span<const Atom> all = relations.atoms.along(result, *axis);
    std::size_t begin = 0;
    for (const Value* input : node.inputs()) {
        const std::span<const Atom> part = relations.atoms.along(input, *axis);
        if (part.empty() || begin + part.size() > all.size())
            return relations.freeze(node, "it joins a constant or a value of unknown extent");
        for (const Atom atom : part) relations.atoms.join(atom, all[begin++]);
        join_others(node, relations, input, result, *axis);
    }
}

void relate_split(Node& node, ScaleRelations& relations) {
    const std::optional<int> axis = normalize_axis(attrs<SplitAttrs>(node).axis, relations.atoms.rank(node.input(0)));
    if (!axis) return relations.freeze(node, "its rank is not known");
    const std::span<const Atom> all = relations.atoms.along(node.input(0), *axis);
    std::size_t begin = 0;
    for (const Value* output : node.outputs()) {
        const std::span<const Atom> part = relations.atoms.along(output, *axis);
        if (part.empty() || begin + part.size() > all.size()) return relations.freeze(node, kComputed);
        for (const Atom atom : part) relations.atoms.join(atom, all[begin++]);
        join_others(node, relations, node.input(0), output, *axis);
    }
}

void relate_slice(Node& node, ScaleRelations& relations) {
    const SliceAttrs slice = attrs<SliceAttrs>(node);
    const ValueType& type = node.input(0)->type();
    const auto settled = [](const IntegersSource& source) { return source.is_absent() || source.values; };
    if (!slice.starts.values || !slice.ends.values || !settled(slice.axes) || !settled(slice.steps))
        return relations.freeze(node, kComputed);
    const int rank = relations.atoms.rank(node.input(0));
    if (rank == 0 || relations.atoms.rank(node.output(0)) != rank) return relations.freeze(node, "its rank is not known");
    std::vector<std::int64_t> dims;  // an axis of unknown extent has no atoms: any extent will do
    for (const Dim& dim : *type.dims) dims.push_back(dim.is_known() ? dim.extent() : 1);
    const std::vector<SliceRange> ranges =
        SliceAttrs::resolve(Shape(std::move(dims)), *slice.starts.values, *slice.ends.values, slice.axes.values, slice.steps.values);
    for (int axis = 0; axis < rank; ++axis) {
        const std::span<const Atom> from = relations.atoms.along(node.input(0), axis);
        const std::span<const Atom> to = relations.atoms.along(node.output(0), axis);
        const SliceRange& range = ranges[static_cast<std::size_t>(axis)];
        if (from.empty() || static_cast<std::int64_t>(to.size()) != range.count) {
            relations.freeze(node, node.input(0), axis, kComputed);
            relations.freeze(node, node.output(0), axis, kComputed);
            continue;
        }
        for (std::size_t index = 0; index < to.size(); ++index)
            relations.atoms.join(from[static_cast<std::size_t>(range.start + static_cast<std::int64_t>(index) * range.step)], to[index]);
    }
}

/// Gather of constant indices, one axis or none of them.
void relate_gather(Node& node, ScaleRelations& relations) {
    const Value* data = node.input(0);
    const Value* result = node.output(0);
    const std::optional<int> axis = normalize_axis(attrs<GatherAttrs>(node).axis, relations.atoms.rank(data));
    const Tensor* indices = known_tensor(node.input(1));
    if (!axis || !indices || indices->shape().rank() > 1 || known_tensor(data)) return relations.freeze(node, kComputed);
    const std::optional<std::vector<std::int64_t>> list = integers_of(*indices);
    const int kept = indices->shape().rank();
    const std::span<const Atom> from = relations.atoms.along(data, *axis);
    const std::span<const Atom> to = kept == 1 ? relations.atoms.along(result, *axis) : std::span<const Atom>{};
    if (!list || from.empty() || relations.atoms.rank(result) != relations.atoms.rank(data) - 1 + kept ||
        (kept == 1 && to.size() != list->size()))
        return relations.freeze(node, kComputed);
    if (kept == 0) relations.freeze(node, data, *axis, "it takes one of its elements");
    for (std::size_t index = 0; index < to.size(); ++index) {
        const std::int64_t at = (*list)[index] < 0 ? (*list)[index] + static_cast<std::int64_t>(from.size()) : (*list)[index];
        if (at < 0 || at >= static_cast<std::int64_t>(from.size())) return relations.freeze(node, "an index is out of range");
        relations.atoms.join(from[static_cast<std::size_t>(at)], to[index]);
    }
    for (int other = 0; other < relations.atoms.rank(data); ++other)
        if (other != *axis) relations.join(node, data, other, result, other < *axis ? other : other - 1 + kept);
}

/// Zeros fit any factor; other padding copies elements along its axis or has a size of its own.
void relate_pad(Node& node, ScaleRelations& relations) {
    const PadAttrs pad = attrs<PadAttrs>(node);
    const int rank = relations.atoms.rank(node.input(0));
    const bool is_settled = pad.pads.values && (pad.axes.is_absent() || pad.axes.values) && pad.value.is_settled();
    if (!is_settled || rank == 0 || relations.atoms.rank(node.output(0)) != rank) return relations.freeze(node, kComputed);
    if (pad.mode == PadAttrs::Mode::Constant && pad.value.value.value_or(0.0) != 0.0)
        return relations.freeze(node, "it pads with a constant");
    const std::vector<PadAttrs::Amount> amounts = PadAttrs::resolve(rank, *pad.pads.values, pad.axes.values);
    for (int axis = 0; axis < rank; ++axis) {
        const std::span<const Atom> from = relations.atoms.along(node.input(0), axis);
        const std::span<const Atom> to = relations.atoms.along(node.output(0), axis);
        const PadAttrs::Amount amount = amounts[static_cast<std::size_t>(axis)];
        const bool moves = amount.begin != 0 || amount.end != 0;
        if (!moves) relations.join(node, node.input(0), axis, node.output(0), axis);
        else if (pad.mode != PadAttrs::Mode::Constant || from.empty() || to.empty()) {
            relations.freeze(node, node.input(0), axis, "it repeats elements along this axis");
            relations.freeze(node, node.output(0), axis, "it repeats elements along this axis");
        } else
            for (std::int64_t index = 0; index < static_cast<std::int64_t>(from.size()); ++index)
                if (const std::int64_t at = index + amount.begin; at >= 0 && at < static_cast<std::int64_t>(to.size()))
                    relations.atoms.join(from[static_cast<std::size_t>(index)], to[static_cast<std::size_t>(at)]);
    }
}

/// Resize, Upsample: axes that keep their extent keep their elements as well; the others are interpolated.
void relate_resize(Node& node, ScaleRelations& relations) {
    const Value* from = node.input(0);
    const Value* to = node.output(0);
    if (relations.atoms.rank(from) != relations.atoms.rank(to)) return relations.freeze(node, "its rank is not known");
    for (int axis = 0; axis < relations.atoms.rank(from); ++axis) {
        if (axis == 1 && has_atoms(relations, from, 1) && relations.atoms.along(from, 1).size() == relations.atoms.along(to, 1).size())
            relations.join(node, from, 1, to, 1);
        else {
            relations.freeze(node, from, axis, "it interpolates along this axis");
            relations.freeze(node, to, axis, "it interpolates along this axis");
        }
    }
}

// ---- Reshape and its kin ----

/// Axes [from.begin, from.end) of the input hold the elements of axes [to.begin, to.end) of the output.
struct ReshapeBlock {
    int from_begin, from_end, to_begin, to_end;
};

/// The finest blocks, from the last axes to the first; those in front of the first unknown extent only.
std::vector<ReshapeBlock> reshape_blocks(const Dims& from, const Dims& to) {
    std::vector<ReshapeBlock> blocks;
    int i = static_cast<int>(from.size());
    int j = static_cast<int>(to.size());
    while (i > 0 && j > 0) {
        ReshapeBlock block{i, i, j, j};
        std::int64_t left = 1;
        std::int64_t right = 1;
        do {
            if (left <= right && block.from_begin > 0 && (left < right || block.from_begin == i)) {
                const Dim& dim = from[static_cast<std::size_t>(--block.from_begin)];
                if (!dim.is_known()) return blocks;
                left *= dim.extent();
            } else if (block.to_begin > 0) {
                const Dim& dim = to[static_cast<std::size_t>(--block.to_begin)];
                if (!dim.is_known()) return blocks;
                right *= dim.extent();
            } else return blocks;
        } while (left != right || block.to_begin == j);
        if (left == 0) return blocks;
        blocks.push_back(block);
        i = block.from_begin;
        j = block.to_begin;
    }
    return blocks;
}

std::int64_t extent(const Value* value, int axis) { return (*value->type().dims)[static_cast<std::size_t>(axis)].extent(); }

/// Several axes become one: the only one of them with factors gives them to each of its indices' runs.
void merge_axes(const Node& node, ScaleRelations& relations, const ReshapeBlock& block, int to_axis) {
    AxisAtoms& atoms = relations.atoms;
    const Value* from = node.input(0);
    int carrier = -1;
    int free_axes = 0;
    for (int axis = block.from_begin; axis < block.from_end; ++axis)
        if (!atoms.are_frozen(atoms.along(from, axis)) && (extent(from, axis) > 1 || block.from_end - block.from_begin == 1)) {
            carrier = axis;
            ++free_axes;
        }
    for (int axis = block.from_begin; axis < block.from_end; ++axis)
        if (axis != carrier || free_axes != 1) relations.freeze(node, from, axis, "it merges several axes");
    const std::span<const Atom> to = atoms.along(node.output(0), to_axis);
    if (free_axes != 1 || to.empty()) {
        if (carrier >= 0) relations.freeze(node, from, carrier, "it merges several axes");
        return atoms.freeze(to, {&node, "it merges several axes"});
    }
    std::size_t inner = 1;
    for (int axis = carrier + 1; axis < block.from_end; ++axis) inner *= static_cast<std::size_t>(extent(from, axis));
    const std::span<const Atom> along = atoms.along(from, carrier);
    for (std::size_t index = 0; index < to.size(); ++index) atoms.join(along[index / inner % along.size()], to[index]);
}

/// The one axis of the block's output that holds its elements, others having extent 1; -1 when there are several.
int only_axis(const Value* to, const ReshapeBlock& block) {
    int found = -1;
    for (int axis = block.to_begin; axis < block.to_end; ++axis) {
        if (extent(to, axis) == 1) continue;
        if (found >= 0) return -1;
        found = axis;
    }
    return found >= 0 ? found : block.to_begin;
}

void relate_reshape(Node& node, ScaleRelations& relations) {
    const Value* from = node.input(0);
    const Value* to = node.output(0);
    AxisAtoms& atoms = relations.atoms;
    if (atoms.rank(from) == 0 || atoms.rank(to) == 0) return relations.freeze(node, "its shape is not known");
    std::vector<bool> from_done(static_cast<std::size_t>(atoms.rank(from)), false);
    std::vector<bool> to_done(static_cast<std::size_t>(atoms.rank(to)), false);
    for (const ReshapeBlock& block : reshape_blocks(*from->type().dims, *to->type().dims)) {
        const int to_axis = only_axis(to, block);
        if (to_axis < 0) continue;
        merge_axes(node, relations, block, to_axis);
        std::fill(from_done.begin() + block.from_begin, from_done.begin() + block.from_end, true);
        to_done[static_cast<std::size_t>(to_axis)] = true;
    }
    for (int axis = 0; axis < atoms.rank(from); ++axis)
        if (!from_done[static_cast<std::size_t>(axis)]) relations.freeze(node, from, axis, "it splits this axis");
    for (int axis = 0; axis < atoms.rank(to); ++axis)
        if (!to_done[static_cast<std::size_t>(axis)]) relations.freeze(node, to, axis, "it splits this axis");
}

// clang-format off
constexpr ScaleRule kRules[] = {
    {"Concat", relate_concat},
    {"Flatten", relate_reshape},
    {"Gather", relate_gather},
    {"Pad", relate_pad},
    {"Reshape", relate_reshape},
    {"Resize", relate_resize},
    {"Slice", relate_slice},
    {"Split", relate_split},
    {"Squeeze", relate_reshape},
    {"Transpose", relate_transpose},
    {"Unsqueeze", relate_reshape},
    {"Upsample", relate_resize},
};
// clang-format on

}  // namespace

std::span<const ScaleRule> layout_scale_rules() { return kRules; }

}  // namespace mcompress
