// Slice and Pad: how their lists of starts, ends, steps and amounts become one range an axis.
#include <algorithm>

#include "ops/shape.h"

namespace mcompress {

namespace {

constexpr std::int64_t kLargestAmount = std::int64_t{1} << 40;

}  // namespace

std::vector<int> resolve_listed_axes(const std::optional<std::vector<std::int64_t>>& axes, std::size_t count, int rank) {
    std::vector<int> result;
    if (axes && axes->size() != count) fail(codes::kShapeInvalid, "{} axes are listed for {} entries", axes->size(), count);
    if (!axes && count > static_cast<std::size_t>(rank)) fail(codes::kShapeInvalid, "{} entries for {} axes", count, rank);
    for (std::size_t index = 0; index < count; ++index) {
        const auto axis = normalize_axis(axes ? (*axes)[index] : static_cast<std::int64_t>(index), rank);
        if (!axis) fail(codes::kShapeInvalid, "axis {} is out of range for rank {}", (*axes)[index], rank);
        if (std::find(result.begin(), result.end(), *axis) != result.end()) fail(codes::kShapeInvalid, "axis {} is listed twice", *axis);
        result.push_back(*axis);
    }
    return result;
}

SliceRange resolve_slice(std::int64_t start, std::int64_t end, std::int64_t step, std::int64_t extent) {
    if (step == 0) fail(codes::kShapeInvalid, "a step is 0");
    if (step == INT64_MIN) step = -INT64_MAX;
    const auto from_front = [&](std::int64_t index) { return index < 0 ? index + extent : index; };
    SliceRange range{0, step, 0};
    if (step > 0) {
        range.start = std::clamp<std::int64_t>(from_front(start), 0, extent);
        const std::int64_t stop = std::clamp<std::int64_t>(from_front(end), 0, extent);
        if (stop > range.start) range.count = (stop - range.start - 1) / step + 1;
    } else if (extent > 0) {
        range.start = std::clamp<std::int64_t>(from_front(start), -1, extent - 1);
        const std::int64_t stop = std::clamp<std::int64_t>(from_front(end), -1, extent - 1);
        if (stop < range.start) range.count = (range.start - stop - 1) / -step + 1;
    }
    if (range.count == 0) range.start = 0;
    return range;
}

SliceAttrs SliceAttrs::read(const Node& node) {
    SliceAttrs attrs;
    if (node.opset_version() < 10) {
        attrs.starts = IntegersSource::from_attribute(node, "starts");
        attrs.ends = IntegersSource::from_attribute(node, "ends");
        attrs.axes = IntegersSource::from_attribute(node, "axes");
        if (attrs.starts.is_absent()) reject_attribute(node, "starts", "is missing");
        if (attrs.ends.is_absent()) reject_attribute(node, "ends", "is missing");
        return attrs;
    }
    attrs.starts = IntegersSource::from_input(node, 1);
    attrs.ends = IntegersSource::from_input(node, 2);
    attrs.axes = IntegersSource::from_input(node, 3);
    attrs.steps = IntegersSource::from_input(node, 4);
    return attrs;
}

std::vector<SliceRange> SliceAttrs::resolve(const Shape& input, const std::vector<std::int64_t>& starts,
                                            const std::vector<std::int64_t>& ends, const std::optional<std::vector<std::int64_t>>& axes,
                                            const std::optional<std::vector<std::int64_t>>& steps) {
    if (starts.size() != ends.size() || (steps && steps->size() != starts.size()))
        fail(codes::kShapeInvalid, "starts, ends and steps have {}, {} and {} entries", starts.size(), ends.size(),
             steps ? steps->size() : 0);
    const auto listed = resolve_listed_axes(axes, starts.size(), input.rank());
    std::vector<SliceRange> ranges;
    for (const std::int64_t extent : input) ranges.push_back({0, 1, extent});
    for (std::size_t index = 0; index < listed.size(); ++index) {
        const int axis = listed[index];
        ranges[static_cast<std::size_t>(axis)] = resolve_slice(starts[index], ends[index], steps ? (*steps)[index] : 1, input[axis]);
    }
    return ranges;
}

PadAttrs PadAttrs::read(const Node& node) {
    static constexpr std::string_view kModes[] = {"constant", "reflect", "edge", "wrap"};
    PadAttrs attrs;
    attrs.mode = enum_attribute(node, "mode", Mode::Constant, kModes);
    // com.microsoft has one version, with inputs.
    if (node.domain().empty() && node.opset_version() < 11) {
        const std::string_view name = node.opset_version() < 2 ? "paddings" : "pads";
        attrs.pads = IntegersSource::from_attribute(node, name);
        if (attrs.pads.is_absent()) reject_attribute(node, name, "is missing");
        attrs.value = ScalarSource::from_attribute(node, "value");
        return attrs;
    }
    attrs.pads = IntegersSource::from_input(node, 1);
    attrs.value = ScalarSource::from_input(node, 2);
    attrs.axes = IntegersSource::from_input(node, 3);
    return attrs;
}

std::vector<PadAttrs::Amount> PadAttrs::resolve(int rank, const std::vector<std::int64_t>& pads,
                                                const std::optional<std::vector<std::int64_t>>& axes) {
    const std::size_t count = axes ? axes->size() : static_cast<std::size_t>(rank);
    if (pads.size() != 2 * count) fail(codes::kShapeInvalid, "{} pads are given for {} axes", pads.size(), count);
    const auto listed = resolve_listed_axes(axes, count, rank);
    std::vector<Amount> amounts(static_cast<std::size_t>(rank));
    for (std::size_t index = 0; index < count; ++index) {
        for (const std::int64_t amount : {pads[index], pads[index + count]})
            if (amount > kLargestAmount || amount < -kLargestAmount) fail(codes::kShapeInvalid, "a pad is {}", amount);
        amounts[static_cast<std::size_t>(listed[index])] = {pads[index], pads[index + count]};
    }
    return amounts;
}

}  // namespace mcompress
