#include <algorithm>

#include "ops/shape.h"

namespace mcompress {

TransposeAttrs TransposeAttrs::read(const Node& node) { return {ints_attribute(node, "perm")}; }

std::vector<int> TransposeAttrs::resolve(int rank) const {
    std::vector<int> result;
    if (perm.empty()) {
        for (int axis = rank; axis-- > 0;) result.push_back(axis);
        return result;
    }
    if (perm.size() != static_cast<std::size_t>(rank)) fail(codes::kShapeInvalid, "perm has {} axes, the input {}", perm.size(), rank);
    std::vector<char> seen(static_cast<std::size_t>(rank), 0);
    for (const std::int64_t axis : perm) {
        if (axis < 0 || axis >= rank || seen[static_cast<std::size_t>(axis)]++ != 0)
            fail(codes::kShapeInvalid, "perm is not a permutation of {} axes", rank);
        result.push_back(static_cast<int>(axis));
    }
    return result;
}

ReshapeAttrs ReshapeAttrs::read(const Node& node) {
    ReshapeAttrs attrs;
    attrs.target = node.opset_version() < 5 ? IntegersSource::from_attribute(node, "shape") : IntegersSource::from_input(node, 1);
    if (flag_attribute(node, "allowzero", 0)) attrs.zero = Zero::IsZero;
    return attrs;
}

Shape ReshapeAttrs::resolve(const Shape& input, const std::vector<std::int64_t>& target_dims) const {
    std::vector<std::int64_t> dims = target_dims;
    int inferred = -1;
    Shape known;
    std::vector<std::int64_t> rest;
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
        if (dims[axis] == 0 && zero == Zero::CopiesInput) {
            if (static_cast<int>(axis) >= input.rank()) fail(codes::kShapeInvalid, "a 0 in the target shape has no input axis to copy");
            dims[axis] = input[static_cast<int>(axis)];
        }
        if (dims[axis] < -1) fail(codes::kShapeInvalid, "the target shape holds {}", dims[axis]);
        if (dims[axis] == -1 && inferred >= 0) fail(codes::kShapeInvalid, "the target shape holds -1 twice");
        if (dims[axis] == -1) inferred = static_cast<int>(axis);
        else rest.push_back(dims[axis]);
    }
    const std::int64_t count = input.element_count();
    const std::int64_t rest_count = Shape(std::move(rest)).element_count();
    if (inferred >= 0) {
        if (rest_count == 0 || count % rest_count != 0)
            fail(codes::kShapeInvalid, "{} elements cannot be shaped to {}", count, Shape(target_dims).to_string());
        dims[static_cast<std::size_t>(inferred)] = count / rest_count;
    } else if (rest_count != count) {
        fail(codes::kShapeInvalid, "{} elements cannot be shaped to {}", count, Shape(target_dims).to_string());
    }
    return Shape(std::move(dims));
}

FlattenAttrs FlattenAttrs::read(const Node& node) { return {int_attribute(node, "axis", 1)}; }

SqueezeAttrs SqueezeAttrs::read(const Node& node) {
    return {node.opset_version() < 13 ? IntegersSource::from_attribute(node, "axes") : IntegersSource::from_input(node, 1)};
}

UnsqueezeAttrs UnsqueezeAttrs::read(const Node& node) {
    UnsqueezeAttrs attrs{node.opset_version() < 13 ? IntegersSource::from_attribute(node, "axes") : IntegersSource::from_input(node, 1)};
    if (node.opset_version() < 13 && attrs.axes.is_absent()) reject_attribute(node, "axes", "is missing");
    return attrs;
}

std::vector<int> resolve_axes(const std::vector<std::int64_t>& axes, int rank) {
    std::vector<int> result;
    for (const std::int64_t axis : axes) {
        const auto normal = normalize_axis(axis, rank);
        if (!normal) fail(codes::kShapeInvalid, "axis {} is out of range for rank {}", axis, rank);
        if (std::find(result.begin(), result.end(), *normal) != result.end()) fail(codes::kShapeInvalid, "axis {} is listed twice", axis);
        result.push_back(*normal);
    }
    std::sort(result.begin(), result.end());
    return result;
}

ConcatAttrs ConcatAttrs::read(const Node& node) {
    return {node.opset_version() < 4 ? int_attribute(node, "axis", 1) : required_int_attribute(node, "axis")};
}

SplitAttrs SplitAttrs::read(const Node& node) {
    SplitAttrs attrs;
    attrs.axis = int_attribute(node, "axis", 0);
    attrs.split = node.opset_version() < 13 ? IntegersSource::from_attribute(node, "split") : IntegersSource::from_input(node, 1);
    attrs.num_outputs = int_attribute(node, "num_outputs", 0);
    if (attrs.num_outputs < 0) reject_attribute(node, "num_outputs", format("is {}", attrs.num_outputs));
    return attrs;
}

std::vector<std::int64_t> SplitAttrs::resolve(std::int64_t extent, int outputs,
                                              const std::optional<std::vector<std::int64_t>>& given) const {
    std::vector<std::int64_t> parts;
    if (given && !given->empty()) {
        if (given->size() != static_cast<std::size_t>(outputs))
            fail(codes::kShapeInvalid, "split lists {} parts for {} outputs", given->size(), outputs);
        std::int64_t sum = 0;
        for (const std::int64_t part : *given)
            if (part < 0 || __builtin_add_overflow(sum, part, &sum)) fail(codes::kShapeInvalid, "split holds {}", part);
        if (sum != extent) fail(codes::kShapeInvalid, "the parts of split add up to {}, the axis has {}", sum, extent);
        return *given;
    }
    const std::int64_t count = num_outputs > 0 ? num_outputs : outputs;
    if (count != outputs) fail(codes::kShapeInvalid, "num_outputs is {}, the node has {} outputs", count, outputs);
    if (count < 1) fail(codes::kShapeInvalid, "there is no output to split into");
    // From opset 18 the last part may be smaller; before, only equal parts are legal.
    const std::int64_t part = extent / count + (extent % count != 0 ? 1 : 0);
    if (num_outputs == 0 && extent % count != 0)
        fail(codes::kShapeInvalid, "{} elements cannot be split into {} equal parts", extent, count);
    for (std::int64_t index = 0; index < count; ++index) parts.push_back(std::clamp<std::int64_t>(extent - part * index, 0, part));
    return parts;
}

TileAttrs TileAttrs::read(const Node& node) {
    if (node.opset_version() < 6) return {};
    return {IntegersSource::from_input(node, 1)};
}

ShapeAttrs ShapeAttrs::read(const Node& node) {
    ShapeAttrs attrs;
    attrs.start = int_attribute(node, "start", 0);
    if (has_attribute(node, "end")) attrs.end = int_attribute(node, "end", 0);
    return attrs;
}

std::pair<int, int> ShapeAttrs::resolve(int rank) const {
    const auto place = [&](std::int64_t index) {
        return static_cast<int>(std::clamp<std::int64_t>(index < 0 && index >= -rank ? index + rank : index, 0, rank));
    };
    const int first = place(start);
    return {first, std::max(first, end ? place(*end) : rank)};
}

DepthToSpaceAttrs DepthToSpaceAttrs::read(const Node& node) {
    static constexpr std::string_view kModes[] = {"DCR", "CRD"};
    DepthToSpaceAttrs attrs{required_int_attribute(node, "blocksize"), enum_attribute(node, "mode", Mode::DepthColumnRow, kModes)};
    if (attrs.blocksize < 1 || attrs.blocksize > 1 << 20) reject_attribute(node, "blocksize", format("is {}", attrs.blocksize));
    return attrs;
}

SpaceToDepthAttrs SpaceToDepthAttrs::read(const Node& node) {
    SpaceToDepthAttrs attrs{required_int_attribute(node, "blocksize")};
    if (attrs.blocksize < 1 || attrs.blocksize > 1 << 20) reject_attribute(node, "blocksize", format("is {}", attrs.blocksize));
    return attrs;
}

}  // namespace mcompress
