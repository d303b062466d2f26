#include "engine/reference/broadcast.h"

#include "ops/elementwise.h"

namespace mcompress::reference {

Shape broadcast_shape(const KernelContext& context, const Shape& a, const Shape& b) {
    const auto shape = broadcast(a, b);
    if (!shape) context.reject(format("shapes {} and {} cannot be broadcast to each other", a.to_string(), b.to_string()));
    return *shape;
}

Shape aligned_second_shape(const KernelContext& context) {
    const Shape &a = context.required(0).shape(), &b = context.required(1).shape();
    if (context.node.opset_version() >= 7 || !has_attribute(context.node, "axis")) return b;
    const auto legacy = attrs<BroadcastAttrs>(context.node);
    if (legacy.rule != BroadcastAttrs::Rule::Legacy || !legacy.axis) return b;
    std::vector<std::int64_t> dims = b.dims();
    const std::int64_t axis = *legacy.axis < 0 ? *legacy.axis + a.rank() : *legacy.axis;
    while (axis + static_cast<std::int64_t>(dims.size()) < a.rank()) dims.push_back(1);
    return Shape(std::move(dims));
}

}  // namespace mcompress::reference
