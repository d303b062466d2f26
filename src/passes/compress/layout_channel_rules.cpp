// Channel rules of operators that move elements: an index of the result goes with the index it comes from.
#include <algorithm>
#include <cstdlib>

#include "ops/indexing.h"
#include "ops/resize.h"
#include "ops/shape.h"
#include "passes/compress/channel_relations.h"
#include "passes/compress/list_argument.h"
#include "passes/compress/reshape_parts.h"

namespace mcompress {

namespace {

constexpr std::string_view kComputed = "where it takes elements from is computed";
constexpr std::string_view kRepeats = "it repeats elements along this axis";
constexpr std::string_view kList = "it is a list of sizes or places";
constexpr std::string_view kSpatial = "it moves elements between space and channels";

std::span<const Atom> at(Axes axes, int axis) { return ChannelRelations::at(axes, axis); }

void join_others(const Node& node, ChannelRelations& relations, Axes a, Axes b, int axis) {
    for (int other = 0; other < static_cast<int>(a.size()); ++other)
        if (other != axis) relations.join(node, at(a, other), at(b, other));
}

std::vector<Atom> frozen_part(const Node& node, ChannelRelations& relations, std::int64_t extent, std::string_view clause) {
    std::vector<Atom> part = relations.atoms.create(extent);
    relations.freeze(node, part, clause);
    return part;
}

void relate_transpose(Node& node, ChannelRelations& relations) {
    const Axes from = relations.in(node, 0), to = relations.out(node, 0);
    const std::vector<int> perm = attrs<TransposeAttrs>(node).resolve(static_cast<int>(from.size()));
    for (std::size_t axis = 0; axis < perm.size(); ++axis) relations.join(node, at(from, perm[axis]), at(to, static_cast<int>(axis)));
}

/// Parts one behind the other along an axis of the whole.
void relate_parts(Node& node, ChannelRelations& relations, Axes whole, const std::vector<Axes>& parts, int axis) {
    const std::span<const Atom> all = at(whole, axis);
    std::size_t total = 0;
    bool is_known = true;
    for (const Axes part : parts) {
        is_known = is_known && part.size() == whole.size() && !at(part, axis).empty();
        total += at(part, axis).size();
    }
    if (!is_known || total != all.size()) return relations.freeze(node, "the extent of a part is not known");
    std::size_t begin = 0;
    for (const Axes part : parts) {
        const std::span<const Atom> along = at(part, axis);
        relations.join(node, along, all.subspan(begin, along.size()));
        begin += along.size();
        join_others(node, relations, part, whole, axis);
    }
}

void relate_concat(Node& node, ChannelRelations& relations) {
    const Axes whole = relations.out(node, 0);
    std::vector<Axes> parts;
    for (int input = 0; input < node.input_count(); ++input) parts.push_back(relations.in(node, input));
    const std::optional<int> axis = normalize_axis(attrs<ConcatAttrs>(node).axis, static_cast<int>(whole.size()));
    if (!axis) return relations.freeze(node, kComputed);
    relate_parts(node, relations, whole, parts, *axis);
}

void relate_split(Node& node, ChannelRelations& relations) {
    relations.freeze_inputs(node, 1, kList);
    const SplitAttrs split = attrs<SplitAttrs>(node);
    const Axes whole = relations.in(node, 0);
    const std::optional<int> axis = normalize_axis(split.axis, static_cast<int>(whole.size()));
    const auto is_present = [](const Value* value) { return value != nullptr; };
    if (!axis || !std::all_of(node.outputs().begin(), node.outputs().end(), is_present)) return relations.freeze(node, kComputed);
    std::vector<Axes> parts;
    for (int output = 0; output < node.output_count(); ++output) parts.push_back(relations.out(node, output));
    relate_parts(node, relations, whole, parts, *axis);
    if (split.split.is_absent()) return relations.equal_splits.push_back(&node);
    for (int output = 0; output < node.output_count(); ++output)
        relations.count_element(node, split.split.input, "split", output, at(parts[static_cast<std::size_t>(output)], *axis));
}

// ---- Slice ----

/// Position of an axis in the lists of a node; -1 when they do not speak of it.
int position_of(int axis, const std::optional<std::vector<std::int64_t>>& axes, std::size_t count, int rank) {
    const std::vector<int> listed = resolve_listed_axes(axes, count, rank);
    const auto found = std::find(listed.begin(), listed.end(), axis);
    return found == listed.end() ? -1 : static_cast<int>(found - listed.begin());
}

void relate_slice_axis(Node& node, ChannelRelations& relations, const SliceAttrs& slice, const SliceRange& range, int axis) {
    const std::span<const Atom> from = at(relations.in(node, 0), axis), to = at(relations.out(node, 0), axis);
    const auto extent = static_cast<std::int64_t>(from.size());
    const bool is_whole = range.count == extent && std::abs(range.step) == 1;
    if (from.empty() || static_cast<std::int64_t>(to.size()) != range.count || (range.step != 1 && !is_whole)) {
        constexpr std::string_view kClause = "it takes elements apart from each other along this axis";
        relations.freeze(node, from, kClause);
        return relations.freeze(node, to, kClause);
    }
    for (std::size_t index = 0; index < to.size(); ++index)
        relations.atoms.join(from[static_cast<std::size_t>(range.start + static_cast<std::int64_t>(index) * range.step)], to[index]);
    const int position = position_of(axis, slice.axes.values, slice.starts.values->size(), static_cast<int>(relations.in(node, 0).size()));
    if (position < 0 || range.step != 1) return;
    const auto end = static_cast<std::size_t>(range.start + range.count);
    if (range.start > 0)
        relations.count_element(node, slice.starts.input, "starts", position, from.first(static_cast<std::size_t>(range.start)));
    if ((*slice.ends.values)[static_cast<std::size_t>(position)] < extent)
        relations.count_element(node, slice.ends.input, "ends", position, from.first(end));
}

void relate_slice(Node& node, ChannelRelations& relations) {
    relations.freeze_inputs(node, 1, kList);
    const SliceAttrs slice = attrs<SliceAttrs>(node);
    const auto is_settled = [](const IntegersSource& source) { return source.is_absent() || source.values; };
    if (!slice.starts.values || !slice.ends.values || !is_settled(slice.axes) || !is_settled(slice.steps))
        return relations.freeze(node, kComputed);
    std::vector<std::int64_t> dims;  // an axis of unknown extent has no atoms: any extent will do
    for (const Dim& dim : *node.input(0)->type().dims) dims.push_back(dim.is_known() ? dim.extent() : 1);
    const std::vector<SliceRange> ranges =
        SliceAttrs::resolve(Shape(std::move(dims)), *slice.starts.values, *slice.ends.values, slice.axes.values, slice.steps.values);
    for (std::size_t axis = 0; axis < ranges.size(); ++axis)
        relate_slice_axis(node, relations, slice, ranges[axis], static_cast<int>(axis));
}

// ---- Gather ----

void relate_gather(Node& node, ChannelRelations& relations) {
    const Axes data = relations.in(node, 0), picks = relations.in(node, 1), result = relations.out(node, 0);
    const std::optional<int> axis = normalize_axis(attrs<GatherAttrs>(node).axis, static_cast<int>(data.size()));
    if (!axis || result.size() + 1 != data.size() + picks.size()) return relations.freeze(node, kComputed);
    const int added = static_cast<int>(picks.size()) - 1;
    for (int other = 0; other < static_cast<int>(data.size()); ++other)
        if (other != *axis) relations.join(node, at(data, other), at(result, other < *axis ? other : other + added));
    for (int each = 0; each <= added; ++each) relations.join(node, at(picks, each), at(result, *axis + each));
    const Tensor* tensor = known_tensor(node.input(1));
    const std::span<const Atom> from = at(data, *axis);
    const auto list = tensor && added == 0 ? integers_of(*tensor) : std::nullopt;
    if (!list || from.empty()) return relations.freeze(node, from, "it takes some elements along this axis");
    const auto extent = static_cast<std::int64_t>(from.size());
    for (std::size_t index = 0; index < list->size(); ++index) {
        const std::int64_t place = (*list)[index] < 0 ? (*list)[index] + extent : (*list)[index];
        if (place < 0 || place >= extent) return relations.freeze(node, "an index is out of range");
        relations.atoms.join(from[static_cast<std::size_t>(place)], at(picks, 0)[index]);
    }
    relations.indices.push_back({&node, 1, {from.begin(), from.end()}});
}

// ---- Pad ----

void relate_pad_axis(Node& node, ChannelRelations& relations, const PadAttrs& pad, PadAttrs::Amount amount, int axis) {
    const std::span<const Atom> from = at(relations.in(node, 0), axis), to = at(relations.out(node, 0), axis);
    if (amount == PadAttrs::Amount{}) return relations.join(node, from, to);
    const auto extent = static_cast<std::int64_t>(from.size());
    if (from.empty() || pad.mode != PadAttrs::Mode::Constant ||
        static_cast<std::int64_t>(to.size()) != extent + amount.begin + amount.end) {
        relations.freeze(node, from, kRepeats);
        return relations.freeze(node, to, kRepeats);
    }
    for (std::int64_t index = 0; index < extent; ++index)
        if (const std::int64_t place = index + amount.begin; place >= 0 && place < static_cast<std::int64_t>(to.size()))
            relations.atoms.join(from[static_cast<std::size_t>(index)], to[static_cast<std::size_t>(place)]);
    const std::size_t count = pad.pads.values->size() / 2;
    const int position = position_of(axis, pad.axes.values, count, static_cast<int>(relations.in(node, 0).size()));
    const std::string_view name = node.attribute("paddings") ? "paddings" : "pads";
    using enum CountedInteger::Sign;
    const auto size = [](std::int64_t length) { return static_cast<std::size_t>(std::abs(length)); };
    if (amount.begin != 0)
        relations.count_element(node, pad.pads.input, name, position, (amount.begin > 0 ? to : from).first(size(amount.begin)),
                                amount.begin > 0 ? Positive : Negative);
    if (amount.end != 0)
        relations.count_element(node, pad.pads.input, name, position + static_cast<int>(count),
                                (amount.end > 0 ? to : from).last(size(amount.end)), amount.end > 0 ? Positive : Negative);
}

void relate_pad(Node& node, ChannelRelations& relations) {
    relations.freeze_inputs(node, 1, kList);
    const PadAttrs pad = attrs<PadAttrs>(node);
    const int rank = static_cast<int>(relations.in(node, 0).size());
    if (!pad.pads.values || !(pad.axes.is_absent() || pad.axes.values)) return relations.freeze(node, kComputed);
    const std::vector<PadAttrs::Amount> amounts = PadAttrs::resolve(rank, *pad.pads.values, pad.axes.values);
    for (int axis = 0; axis < rank; ++axis) relate_pad_axis(node, relations, pad, amounts[static_cast<std::size_t>(axis)], axis);
}

// ---- Reshape and its kin ----

void relate_flatten(Node& node, ChannelRelations& relations) {
    relations.freeze_inputs(node, 1, kList);
    relate_same_elements(node, relations);
}

/// The target's elements are the extents of the result; -1 is what is left.
void relate_reshape(Node& node, ChannelRelations& relations) {
    relations.freeze_inputs(node, 1, kList);
    relate_same_elements(node, relations);
    const ReshapeAttrs reshape = attrs<ReshapeAttrs>(node);
    const Axes to = relations.out(node, 0);
    for (int axis = 0; axis < static_cast<int>(to.size()); ++axis) {
        if (at(to, axis).size() < 2) continue;
        const auto element = reshape.target.input < 0 ? std::optional((*reshape.target.values)[static_cast<std::size_t>(axis)])
                                                      : list_element(node, reshape.target.input, axis);
        if (!element || *element != -1) relations.count_element(node, reshape.target.input, "shape", axis, at(to, axis));
    }
}

void relate_expand(Node& node, ChannelRelations& relations) {
    relations.freeze_inputs(node, 1, kList);
    const Axes from = relations.in(node, 0), to = relations.out(node, 0);
    relations.join_broadcast(node, from, to);
    for (int axis = 0; axis < static_cast<int>(to.size()); ++axis) {
        const int source = axis - static_cast<int>(to.size()) + static_cast<int>(from.size());
        if (at(from, source).size() < 2) relations.freeze(node, at(to, axis), kRepeats);
        else if (const auto element = list_element(node, 1, axis - static_cast<int>(to.size()) + target_length(node)); element != 1)
            relations.count_element(node, 1, "", axis - static_cast<int>(to.size()) + target_length(node), at(to, axis));
    }
}

void relate_tile(Node& node, ChannelRelations& relations) {
    relations.freeze_inputs(node, 1, kList);
    const Axes from = relations.in(node, 0), to = relations.out(node, 0);
    for (int axis = 0; axis < static_cast<int>(from.size()); ++axis) {
        const std::size_t inner = at(from, axis).size(), all = at(to, axis).size();
        if (inner == all || inner == 0 || all % inner != 0) relations.join(node, at(from, axis), at(to, axis));
        else
            relations.compose(node, at(to, axis),
                              {frozen_part(node, relations, static_cast<std::int64_t>(all / inner), kRepeats),
                               {at(from, axis).begin(), at(from, axis).end()}});
    }
}

void relate_constant_of_shape(Node& node, ChannelRelations& relations) {
    relations.freeze_inputs(node, 0, kList);
    const Axes to = relations.out(node, 0);
    for (int axis = 0; axis < static_cast<int>(to.size()); ++axis)
        if (at(to, axis).size() > 1) relations.count_element(node, 0, "", axis, at(to, axis));
}

/// [blocks, blocks, C] or [C, blocks, blocks] channels on one side, C on the other.
void relate_blocks(Node& node, ChannelRelations& relations, Axes deep, Axes shallow, bool is_depth_first) {
    relations.join(node, at(deep, 0), at(shallow, 0));
    for (const Axes axes : {deep, shallow})
        for (int axis = 2; axis < static_cast<int>(axes.size()); ++axis) relations.freeze(node, at(axes, axis), kSpatial);
    const std::size_t inner = at(shallow, 1).size(), all = at(deep, 1).size();
    if (inner == 0 || all % inner != 0) return relations.join(node, at(deep, 1), at(shallow, 1));
    std::vector<Atom> blocks = frozen_part(node, relations, static_cast<std::int64_t>(all / inner), kSpatial);
    std::vector<Atom> channels(at(shallow, 1).begin(), at(shallow, 1).end());
    if (is_depth_first) relations.compose(node, at(deep, 1), {blocks, channels});
    else relations.compose(node, at(deep, 1), {channels, blocks});
}

void relate_depth_to_space(Node& node, ChannelRelations& relations) {
    relate_blocks(node, relations, relations.in(node, 0), relations.out(node, 0),
                  attrs<DepthToSpaceAttrs>(node).mode == DepthToSpaceAttrs::Mode::DepthColumnRow);
}
void relate_space_to_depth(Node& node, ChannelRelations& relations) {
    relate_blocks(node, relations, relations.out(node, 0), relations.in(node, 0), true);
}

// ---- Resize, Shape ----

void relate_resize(Node& node, ChannelRelations& relations) {
    relations.freeze_inputs(node, 1, kList);
    constexpr std::string_view kInterpolates = "it interpolates along this axis";
    const ResizeAttrs resize = attrs<ResizeAttrs>(node);
    const Axes from = relations.in(node, 0), to = relations.out(node, 0);
    const bool has_sizes = resize.sizes || resize.sizes_input >= 0;
    if ((!has_sizes && !resize.scales) || resize.coordinates == ResizeAttrs::Coordinates::TfCropAndResize)
        return relations.freeze(node, "its scales are computed");
    const int rank = static_cast<int>(from.size());
    for (int axis = 0; axis < rank; ++axis) {
        const std::size_t listed = has_sizes ? (resize.axes ? resize.axes->size() : from.size()) : resize.scales->size();
        const int position = position_of(axis, resize.axes, listed, rank);
        const bool is_scaled = position >= 0 && !has_sizes && (*resize.scales)[static_cast<std::size_t>(position)] != 1.0F;
        if (is_scaled || at(from, axis).size() != at(to, axis).size() || axis > 1) {
            relations.freeze(node, at(from, axis), kInterpolates);
            relations.freeze(node, at(to, axis), kInterpolates);
            continue;
        }
        relations.join(node, at(from, axis), at(to, axis));
        if (position >= 0 && has_sizes && at(to, axis).size() > 1)
            relations.count_element(node, resize.sizes_input, "", position, at(to, axis));
    }
}

/// What reads the shape picks some extents of it, or all.
std::vector<bool> extents_read(const Node& shape, int rank) {
    const auto range = attrs<ShapeAttrs>(shape).resolve(rank);
    const int begin = range.first, end = range.second;
    std::vector<bool> read(static_cast<std::size_t>(rank), false);
    const auto all = [&] { std::fill(read.begin() + begin, read.begin() + end, true); };
    if (shape.output(0)->is_graph_output()) all();
    for (const Use& use : shape.output(0)->uses()) {
        const Tensor* picks = use.node->is("Gather") && use.index == 0 ? known_tensor(use.node->input(1)) : nullptr;
        const auto list = picks ? integers_of(*picks) : std::nullopt;
        if (!list) {
            all();
            continue;
        }
        for (const std::int64_t pick : *list)
            if (const auto place = normalize_axis(pick, end - begin)) read[static_cast<std::size_t>(begin + *place)] = true;
    }
    return read;
}

void relate_shape(Node& node, ChannelRelations& relations) {
    const Axes from = relations.in(node, 0);
    const std::vector<bool> read = extents_read(node, static_cast<int>(from.size()));
    for (std::size_t axis = 0; axis < from.size(); ++axis)
        if (read[axis]) relations.freeze(node, from[axis], "its extent is used as a number");
    relations.freeze(node, relations.out(node, 0), "it is a shape");
}

// clang-format off
constexpr ChannelRule kRules[] = {
    {"", "Concat", relate_concat},
    {"", "ConstantOfShape", relate_constant_of_shape},
    {"", "DepthToSpace", relate_depth_to_space},
    {"", "Expand", relate_expand},
    {"", "Flatten", relate_flatten},
    {"", "Gather", relate_gather},
    {"", "Identity", relate_flatten},
    {"", "Pad", relate_pad},
    {"", "Reshape", relate_reshape},
    {"", "Resize", relate_resize},
    {"", "Shape", relate_shape},
    {"", "Slice", relate_slice},
    {"", "SpaceToDepth", relate_space_to_depth},
    {"", "Split", relate_split},
    {"", "Squeeze", relate_flatten},
    {"", "Tile", relate_tile},
    {"", "Transpose", relate_transpose},
    {"", "Unsqueeze", relate_flatten},
    {"", "Upsample", relate_resize},
};
// clang-format on

}  // namespace

std::span<const ChannelRule> layout_channel_rules() { return kRules; }

}  // namespace mcompress
