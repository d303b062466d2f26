#include "ops/attributes.h"
#include "ops/conv.h"

namespace mcompress {

namespace {

std::int64_t positive(const Node& node, std::string_view name) {
    const std::int64_t value = int_attribute(node, name, 1);
    if (value < 1) reject_attribute(node, name, format("is {}, expected at least 1", value));
    return value;
}

std::vector<std::int64_t> spatial(const Shape& shape) { return {shape.begin() + 2, shape.end()}; }

void check_ranks(const Shape& input, const Shape& weights) {
    if (input.rank() < 2 || weights.rank() != input.rank())
        fail(codes::kShapeInvalid, "input {} and weights {} do not have the same rank", input.to_string(), weights.to_string());
}

}  // namespace

ConvAttrs ConvAttrs::read(const Node& node) {
    ConvAttrs attrs;
    attrs.window = WindowAttrs::read(node);
    attrs.group = positive(node, "group");
    return attrs;
}

Window ConvAttrs::geometry(const Shape& input, const Shape& weights) const {
    check_ranks(input, weights);
    if (input[1] % group != 0 || input[1] / group != weights[1])
        fail(codes::kShapeInvalid, "{} input channels in {} groups do not fit weights {}", input[1], group, weights.to_string());
    if (weights[0] % group != 0) fail(codes::kShapeInvalid, "{} output channels cannot be split into {} groups", weights[0], group);
    const auto kernel = spatial(weights);
    if (!window.kernel_shape.empty() && window.kernel_shape != kernel)
        fail(codes::kShapeInvalid, "kernel_shape differs from the weights {}", weights.to_string());
    return resolve_window(window, spatial(input), kernel);
}

ConvTransposeAttrs ConvTransposeAttrs::read(const Node& node) {
    ConvTransposeAttrs attrs;
    attrs.window.window = WindowAttrs::read(node);
    attrs.group = positive(node, "group");
    attrs.window.output_padding = ints_attribute(node, "output_padding");
    attrs.window.output_shape = ints_attribute(node, "output_shape");
    for (const std::int64_t value : attrs.window.output_padding)
        if (value < 0 || value > std::int64_t{1} << 31) reject_attribute(node, "output_padding", format("holds {}", value));
    for (const std::int64_t value : attrs.window.output_shape)
        if (value < 0) reject_attribute(node, "output_shape", format("holds {}", value));
    // Some exporters write batch and channels too; the specification counts spatial axes only.
    const auto rank = attrs.window.window.spatial_rank();
    auto& shape = attrs.window.output_shape;
    if (rank && shape.size() == static_cast<std::size_t>(*rank) + 2) shape.erase(shape.begin(), shape.begin() + 2);
    return attrs;
}

Window ConvTransposeAttrs::geometry(const Shape& input, const Shape& weights) const {
    check_ranks(input, weights);
    if (input[1] != weights[0] || input[1] % group != 0)
        fail(codes::kShapeInvalid, "{} input channels in {} groups do not fit weights {}", input[1], group, weights.to_string());
    const auto kernel = spatial(weights);
    if (!window.window.kernel_shape.empty() && window.window.kernel_shape != kernel)
        fail(codes::kShapeInvalid, "kernel_shape differs from the weights {}", weights.to_string());
    return resolve_transposed_window(window, spatial(input), kernel);
}

DeformConvAttrs DeformConvAttrs::read(const Node& node) {
    DeformConvAttrs attrs;
    attrs.window = WindowAttrs::read(node);
    attrs.group = positive(node, "group");
    attrs.offset_group = positive(node, "offset_group");
    return attrs;
}

}  // namespace mcompress
