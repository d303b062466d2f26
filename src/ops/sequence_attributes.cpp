#include "ops/control_flow.h"
#include "ops/sequence.h"

namespace mcompress {

ConcatFromSequenceAttrs ConcatFromSequenceAttrs::read(const Node& node) {
    using Joins = ConcatFromSequenceAttrs::Joins;
    const bool makes_axis = flag_attribute(node, "new_axis", 0);
    return {required_int_attribute(node, "axis"), makes_axis ? Joins::AlongNewAxis : Joins::AlongAxis};
}

SequenceEmptyAttrs SequenceEmptyAttrs::read(const Node& node) {
    const std::int64_t number = int_attribute(node, "dtype", static_cast<std::int64_t>(DType::Float32));
    if (number < 1 || number > 255 || !is_known_dtype(static_cast<int>(number)))
        reject_attribute(node, "dtype", format("is {}, which is no element type", number));
    return {static_cast<DType>(number)};
}

SequenceMapAttrs SequenceMapAttrs::read(const Node& node) { return {required_body(node, "body", node.input_count())}; }

SplitToSequenceAttrs SplitToSequenceAttrs::read(const Node& node) {
    using SplitAxis = SplitToSequenceAttrs::SplitAxis;
    return {int_attribute(node, "axis", 0), flag_attribute(node, "keepdims", 1) ? SplitAxis::Keep : SplitAxis::Drop};
}

std::optional<std::vector<std::int64_t>> split_lengths(std::int64_t extent, const Shape& split_shape, std::span<const std::int64_t> split) {
    if (split_shape.rank() == 0) {
        const std::int64_t length = split.size() == 1 ? split[0] : 0;
        if (length < 1 || (extent > 0 && (extent - 1) / length >= kMostSequenceElements)) return std::nullopt;
        std::vector<std::int64_t> lengths(static_cast<std::size_t>(extent / length), length);
        if (extent % length != 0) lengths.push_back(extent % length);
        return lengths;
    }
    if (split_shape.rank() != 1 || static_cast<std::int64_t>(split.size()) > kMostSequenceElements) return std::nullopt;
    std::int64_t rest = extent;
    for (const std::int64_t length : split) {
        if (length < 0 || length > rest) return std::nullopt;
        rest -= length;
    }
    if (rest != 0) return std::nullopt;
    return std::vector<std::int64_t>(split.begin(), split.end());
}

namespace {

ValueType wrap(ValueType::Kind kind, ValueType element) {
    ValueType type;
    type.kind = kind;
    if (element.kind != ValueType::Kind::Unknown) type.element = std::make_shared<const ValueType>(std::move(element));
    return type;
}

bool has_elements(const ValueType& type) { return type.kind == ValueType::Kind::Sequence || type.kind == ValueType::Kind::Optional; }

}  // namespace

ValueType sequence_of(ValueType element) { return wrap(ValueType::Kind::Sequence, std::move(element)); }
ValueType optional_of(ValueType element) { return wrap(ValueType::Kind::Optional, std::move(element)); }
ValueType element_type(const ValueType& type) { return has_elements(type) && type.element ? *type.element : ValueType{}; }

ValueType either_type(const ValueType& a, const ValueType& b) {
    if (a == b) return a;
    if (a.kind != b.kind) return {};
    if (has_elements(a)) return wrap(a.kind, either_type(element_type(a), element_type(b)));
    if (!a.is_tensor()) return {};
    ValueType result = tensor_of(a.dtype == b.dtype ? a.dtype : DType::Undefined);
    if (!a.dims || !b.dims || a.dims->size() != b.dims->size()) return result;
    result.dims = a.dims;
    for (std::size_t axis = 0; axis < a.dims->size(); ++axis)
        if ((*a.dims)[axis] != (*b.dims)[axis]) (*result.dims)[axis] = Dim();
    return result;
}

ValueType without_shape(const ValueType& type) {
    if (has_elements(type)) return wrap(type.kind, without_shape(element_type(type)));
    return type.is_tensor() ? tensor_of(type.dtype) : ValueType{};
}

}  // namespace mcompress
