#include "ops/attributes.h"
#include "ops/pool.h"

namespace mcompress {

namespace {

double read_p(const Node& node) {
    // LpPool and GlobalLpPool of opset 1 give p as a float.
    const double p =
        node.opset_version() < 2 ? static_cast<double>(float_attribute(node, "p", 2.0F)) : static_cast<double>(int_attribute(node, "p", 2));
    if (!(p >= 1.0)) reject_attribute(node, "p", format("is {}, expected at least 1", p));
    return p;
}

}  // namespace

PoolAttrs PoolAttrs::read(const Node& node) {
    PoolAttrs attrs;
    attrs.window = WindowAttrs::read(node);
    if (attrs.window.kernel_shape.empty()) reject_attribute(node, "kernel_shape", "is missing or empty");
    attrs.count_include_pad = flag_attribute(node, "count_include_pad", 0);
    attrs.storage_order = flag_attribute(node, "storage_order", 0) ? StorageOrder::ColumnMajor : StorageOrder::RowMajor;
    if (node.is("LpPool")) attrs.p = read_p(node);
    return attrs;
}

Window PoolAttrs::geometry(const Shape& input) const {
    if (input.rank() < 3) fail(codes::kShapeInvalid, "input {} has no spatial axis to pool", input.to_string());
    return resolve_window(window, {input.begin() + 2, input.end()}, window.kernel_shape);
}

GlobalLpPoolAttrs GlobalLpPoolAttrs::read(const Node& node) { return {read_p(node)}; }

RoiPoolAttrs RoiPoolAttrs::read(const Node& node) {
    RoiPoolAttrs attrs;
    attrs.pooled_shape = ints_attribute(node, "pooled_shape");
    attrs.spatial_scale = float_attribute(node, "spatial_scale", 1.0F);
    if (attrs.pooled_shape.size() != 2) reject_attribute(node, "pooled_shape", "does not have two values");
    for (const std::int64_t extent : attrs.pooled_shape)
        if (extent < 1) reject_attribute(node, "pooled_shape", format("holds {}", extent));
    return attrs;
}

}  // namespace mcompress
