// Concat and Split: runs of bytes along one axis.
#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/strided.h"
#include "ops/shape.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

void concat(const KernelContext& context) {
    const Tensor& first = context.required(0);
    const int axis = checked_axis(context, attrs<ConcatAttrs>(context.node).axis, first.shape().rank());
    Shape shape = first.shape();
    for (std::size_t i = 1; i < context.inputs.size(); ++i) {
        const Tensor& part = context.required(static_cast<int>(i));
        Shape expected = part.shape();
        if (expected.rank() == shape.rank()) expected[axis] = shape[axis];
        if (part.dtype() != first.dtype() || expected != shape)
            context.reject(format("{} cannot be joined to {} along axis {}", part.shape().to_string(), shape.to_string(), axis));
        shape[axis] += part.shape()[axis];
    }
    Tensor& y = context.make_output(0, first.dtype(), shape);
    const std::int64_t outer = shape.product(0, axis), inner = shape.product(axis + 1, shape.rank());
    const std::size_t row = packed_byte_size(first.dtype(), shape[axis] * inner);
    std::byte* to = y.mutable_bytes();
    for (const Tensor& part : context.inputs) {
        const std::size_t bytes = packed_byte_size(first.dtype(), part.shape()[axis] * inner);
        if (bytes == 0) continue;
        copy_rows(to, row, part.bytes(), bytes, bytes, outer, context.threads);
        to += bytes;
    }
}

void split(const KernelContext& context) {
    const auto a = attrs<SplitAttrs>(context.node);
    const Tensor& x = context.required(0);
    const int axis = checked_axis(context, a.axis, x.shape().rank());
    std::optional<std::vector<std::int64_t>> given = a.split.input < 0 ? a.split.values : std::nullopt;
    if (a.split.input >= 0 && context.has_input(a.split.input)) given = integers(context, context.input(a.split.input));
    const auto parts = a.resolve(x.shape()[axis], context.node.output_count(), given);
    const std::int64_t outer = x.shape().product(0, axis), inner = x.shape().product(axis + 1, x.shape().rank());
    const std::size_t row = packed_byte_size(x.dtype(), x.shape()[axis] * inner);
    const std::byte* from = x.bytes();
    for (std::size_t i = 0; i < parts.size() && i < context.outputs.size(); ++i) {
        Shape shape = x.shape();
        shape[axis] = parts[i];
        std::byte* to = context.make_output(static_cast<int>(i), x.dtype(), shape).mutable_bytes();
        const std::size_t bytes = packed_byte_size(x.dtype(), parts[i] * inner);
        copy_rows(to, bytes, from, row, bytes, outer, context.threads);
        from += bytes;
    }
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Concat", moving<concat>},
    {"", "Split", moving<split>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> concat_kernels() { return kRows; }

}  // namespace mcompress::reference
