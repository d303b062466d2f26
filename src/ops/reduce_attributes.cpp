#include "ops/reduce.h"
#include "ops/shape.h"

namespace mcompress {

ReduceAttrs ReduceAttrs::read(const Node& node) {
    ReduceAttrs attrs;
    const int axes_input_since = node.op_type() == "ReduceSum" ? 13 : 18;
    attrs.axes =
        node.opset_version() >= axes_input_since ? IntegersSource::from_input(node, 1) : IntegersSource::from_attribute(node, "axes");
    attrs.keeps_dims = flag_attribute(node, "keepdims", 1);
    if (flag_attribute(node, "noop_with_empty_axes", 0)) attrs.empty_axes = EmptyAxes::Identity;
    return attrs;
}

std::vector<int> ReduceAttrs::resolve(int rank, const std::vector<std::int64_t>& given) const {
    if (!given.empty()) return resolve_axes(given, rank);
    std::vector<int> all;
    if (empty_axes == EmptyAxes::ReduceAll)
        for (int axis = 0; axis < rank; ++axis) all.push_back(axis);
    return all;
}

ArgReduceAttrs ArgReduceAttrs::read(const Node& node) {
    return {int_attribute(node, "axis", 0), flag_attribute(node, "keepdims", 1),
            flag_attribute(node, "select_last_index", 0) ? Ties::Last : Ties::First};
}

CumSumAttrs CumSumAttrs::read(const Node& node) { return {flag_attribute(node, "exclusive", 0), flag_attribute(node, "reverse", 0)}; }

TopKAttrs TopKAttrs::read(const Node& node) {
    TopKAttrs attrs;
    if (node.opset_version() < 10) attrs.k.values = std::vector<std::int64_t>{required_int_attribute(node, "k")};
    else attrs.k = IntegersSource::from_input(node, 1);
    attrs.axis = int_attribute(node, "axis", -1);
    attrs.order = flag_attribute(node, "largest", 1) ? Order::Largest : Order::Smallest;
    attrs.sorted = flag_attribute(node, "sorted", 1);
    return attrs;
}

}  // namespace mcompress
