// Operators that give the same elements another shape, or tell a shape.
#include "ops/shape.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

void identity(const KernelContext& context) { context.set_output(0, context.required(0)); }

void identity_of_value(const KernelContext& context) {
    if (!context.value(0).defined()) context.reject("input 0 is missing");
    context.set_value(0, context.value(0));
}

/// The list of integers an operator takes from an attribute or, in newer opsets, from an input.
std::optional<std::vector<std::int64_t>> given(const KernelContext& context, const IntegersSource& source) {
    if (source.input >= 0 && context.has_input(source.input)) return integers(context, context.input(source.input));
    return source.input >= 0 ? std::nullopt : source.values;
}

void reshape(const KernelContext& context) {
    const auto a = attrs<ReshapeAttrs>(context.node);
    const Tensor& x = context.required(0);
    const auto target = given(context, a.target);
    if (!target) context.reject("the target shape is missing");
    context.set_output(0, x.reshaped(a.resolve(x.shape(), *target)));
}

void flatten(const KernelContext& context) {
    const Tensor& x = context.required(0);
    const int rank = x.shape().rank();
    std::int64_t axis = attrs<FlattenAttrs>(context.node).axis;
    if (axis < 0) axis += rank;
    if (axis < 0 || axis > rank) context.reject(format("axis {} does not fit a tensor of rank {}", axis, rank));
    const int at = static_cast<int>(axis);
    context.set_output(0, x.reshaped(Shape{x.shape().product(0, at), x.shape().product(at, rank)}));
}

void squeeze(const KernelContext& context) {
    const Tensor& x = context.required(0);
    const auto axes = given(context, attrs<SqueezeAttrs>(context.node).axes);
    const int rank = x.shape().rank();
    std::vector<char> dropped(static_cast<std::size_t>(rank), 0);
    for (int axis = 0; axis < rank && !axes; ++axis) dropped[static_cast<std::size_t>(axis)] = x.shape()[axis] == 1;
    for (const std::int64_t given_axis : axes.value_or(std::vector<std::int64_t>{})) {
        const int axis = checked_axis(context, given_axis, rank);
        if (x.shape()[axis] != 1) context.reject(format("axis {} of shape {} has more than one element", axis, x.shape().to_string()));
        dropped[static_cast<std::size_t>(axis)] = 1;
    }
    std::vector<std::int64_t> dims;
    for (int axis = 0; axis < rank; ++axis)
        if (!dropped[static_cast<std::size_t>(axis)]) dims.push_back(x.shape()[axis]);
    context.set_output(0, x.reshaped(Shape(std::move(dims))));
}

void unsqueeze(const KernelContext& context) {
    const Tensor& x = context.required(0);
    const auto axes = given(context, attrs<UnsqueezeAttrs>(context.node).axes);
    if (!axes) context.reject("the axes are missing");
    const int rank = x.shape().rank() + static_cast<int>(axes->size());
    std::vector<char> added(static_cast<std::size_t>(rank), 0);
    for (const std::int64_t given_axis : *axes) {
        char& mark = added[static_cast<std::size_t>(checked_axis(context, given_axis, rank))];
        if (mark) context.reject(format("axis {} is given twice", given_axis));
        mark = 1;
    }
    std::vector<std::int64_t> dims;
    auto next = x.shape().begin();
    for (const char is_new : added) dims.push_back(is_new ? 1 : *next++);
    context.set_output(0, x.reshaped(Shape(std::move(dims))));
}

void shape(const KernelContext& context) {
    const Shape& x = context.required(0).shape();
    const auto [begin, end] = attrs<ShapeAttrs>(context.node).resolve(x.rank());
    context.set_output(0, Tensor::from_values(Shape{end - begin}, std::vector<std::int64_t>(x.begin() + begin, x.begin() + end)));
}

void size(const KernelContext& context) { context.set_output(0, Tensor::scalar(context.required(0).element_count())); }

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Flatten", flatten},
    {"", "Identity", identity_of_value, Carries::AnyValue},
    {"", "Reshape", reshape},
    {"", "Shape", shape},
    {"", "Size", size},
    {"", "Squeeze", squeeze},
    {"", "Unsqueeze", unsqueeze},
    {"mcompress", "Observe", identity},
};
// clang-format on

}  // namespace

std::span<const KernelRow> shape_kernels() { return kRows; }

}  // namespace mcompress::reference
