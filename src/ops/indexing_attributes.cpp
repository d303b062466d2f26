#include "ops/indexing.h"

namespace mcompress {

GatherAttrs GatherAttrs::read(const Node& node) { return {int_attribute(node, "axis", 0)}; }

GatherNdAttrs GatherNdAttrs::read(const Node& node) {
    const std::int64_t count = int_attribute(node, "batch_dims", 0);
    if (count < 0) reject_attribute(node, "batch_dims", format("is {}", count));
    return {count};
}

ScatterAttrs ScatterAttrs::read(const Node& node) {
    static constexpr std::string_view kReductions[] = {"none", "add", "mul", "min", "max"};
    return {int_attribute(node, "axis", 0), enum_attribute(node, "reduction", Reduction::None, kReductions)};
}

OneHotAttrs OneHotAttrs::read(const Node& node) { return {int_attribute(node, "axis", -1)}; }

CompressAttrs CompressAttrs::read(const Node& node) {
    CompressAttrs attrs;
    if (has_attribute(node, "axis")) attrs.axis = int_attribute(node, "axis", 0);
    return attrs;
}

TriluAttrs TriluAttrs::read(const Node& node) { return {flag_attribute(node, "upper", 1) ? Part::Upper : Part::Lower}; }

ReverseSequenceAttrs ReverseSequenceAttrs::read(const Node& node) {
    const ReverseSequenceAttrs attrs{int_attribute(node, "batch_axis", 1), int_attribute(node, "time_axis", 0)};
    if (attrs.batch_axis != 0 && attrs.batch_axis != 1) reject_attribute(node, "batch_axis", format("is {}", attrs.batch_axis));
    if (attrs.time_axis != 1 - attrs.batch_axis)
        reject_attribute(node, "time_axis", format("is {} beside the batch axis {}", attrs.time_axis, attrs.batch_axis));
    return attrs;
}

EyeLikeAttrs EyeLikeAttrs::read(const Node& node) {
    const std::int64_t number = int_attribute(node, "dtype", 0);
    if (number != 0 && (number < 0 || number > 255 || !is_known_dtype(static_cast<int>(number))))
        reject_attribute(node, "dtype", format("is {}, which is no element type", number));
    return {static_cast<DType>(number), int_attribute(node, "k", 0)};
}

UniqueAttrs UniqueAttrs::read(const Node& node) {
    UniqueAttrs attrs;
    if (!flag_attribute(node, "sorted", 1)) attrs.order = Order::FirstOccurrence;
    if (has_attribute(node, "axis")) attrs.axis = int_attribute(node, "axis", 0);
    return attrs;
}

}  // namespace mcompress
