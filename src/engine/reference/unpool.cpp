// Back from parts to the whole: MaxUnpool and Col2Im.
#include <algorithm>
#include <type_traits>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/pool.h"
#include "ops/vision.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

/// The shape that the window says, or the one that is given.
Shape unpooled_shape(const KernelContext& context, const Shape& x) {
    const auto a = attrs<PoolAttrs>(context.node);
    if (x.rank() != static_cast<int>(a.window.kernel_shape.size()) + 2)
        context.reject(format("a window of {} axes does not fit shape {}", a.window.kernel_shape.size(), x.to_string()));
    if (context.has_input(2)) {
        const Shape given(integers(context, context.input(2)));
        if (given.rank() != x.rank() || given[0] != x[0] || given[1] != x[1])
            context.reject(format("the output shape {} does not fit an input of shape {}", given.to_string(), x.to_string()));
        return given;
    }
    TransposedWindowAttrs window{a.window, {}, {}};
    window.window.dilations.clear();
    std::vector<std::int64_t> dims{x[0], x[1]};
    for (const WindowAxis& axis : resolve_transposed_window(window, {x.begin() + 2, x.end()}, a.window.kernel_shape))
        dims.push_back(axis.output);
    return Shape(std::move(dims));
}

/// Every element goes where its index says, which counts in the whole output as MaxPool counted in its input.
void max_unpool(const KernelContext& context) {
    const Tensor &x = context.required(0), &indices = context.required(1);
    if (indices.shape() != x.shape() || indices.dtype() != DType::Int64)
        context.reject(format("indices of shape {} for an input of shape {}", indices.shape().to_string(), x.shape().to_string()));
    Tensor& y = context.make_output(0, x.dtype(), unpooled_shape(context, x.shape()));
    const std::int64_t count = y.element_count();
    for (const std::int64_t index : indices.values<std::int64_t>())
        if (index < 0 || index >= count)
            context.reject(format("index {} lies outside an output of shape {}", index, y.shape().to_string()));
    dispatch(Numbers{}, context, x.dtype(), [&]<typename T>() {
        T* to = y.mutable_data<T>();
        std::fill_n(to, count, T{});
        for (std::int64_t i = 0; i < x.element_count(); ++i) to[indices.data<std::int64_t>()[i]] = x.data<T>()[i];
    });
}

/// One spatial axis of Col2Im: blocks of `block` taps at `count` places.
struct BlockAxis {
    std::int64_t image, stride, dilation, pad, count, image_step, column_step;
};

std::vector<BlockAxis> block_axes(const KernelContext& context, const std::vector<std::int64_t>& image,
                                  const std::vector<std::int64_t>& block) {
    const auto a = attrs<Col2ImAttrs>(context.node);
    const std::size_t rank = image.size();
    if (rank == 0 || block.size() != rank) context.reject("image and block do not have the same number of axes");
    for (const std::size_t length : {a.dilations.size(), a.strides.size(), a.pads.size() / 2})
        if (length != 0 && length != rank) context.reject(format("an attribute is for {} spatial axes, the image has {}", length, rank));
    const auto at_or = [](const std::vector<std::int64_t>& values, std::size_t at, std::int64_t fallback) {
        return values.empty() ? fallback : values[at];
    };
    std::vector<BlockAxis> axes(rank);
    std::int64_t image_step = 1, column_step = 1;
    constexpr std::int64_t kLargest = std::int64_t{1} << 31;
    for (std::size_t axis = rank; axis-- > 0;) {
        if (image[axis] < 0 || image[axis] > kLargest || block[axis] < 1 || block[axis] > kLargest)
            context.reject(format("an image extent of {} with blocks of {}", image[axis], block[axis]));
        BlockAxis& b = axes[axis] = {
            image[axis], at_or(a.strides, axis, 1), at_or(a.dilations, axis, 1), at_or(a.pads, axis, 0), 0, image_step, column_step};
        // The factors of the span are at most 2^31: it cannot overflow, and is compared before anything is added to it.
        const std::int64_t padded = b.image + b.pad + at_or(a.pads, axis + rank, 0), span = b.dilation * (block[axis] - 1);
        b.count = span >= padded ? 0 : (padded - span - 1) / b.stride + 1;
        if (__builtin_mul_overflow(image_step, b.image, &image_step) || __builtin_mul_overflow(column_step, b.count, &column_step))
            context.reject("the image is too large");
    }
    if (column_step != context.input(0).shape()[2])
        context.reject(format("{} places are given, the image has {}", context.input(0).shape()[2], column_step));
    return axes;
}

/// Integers wrap around.
template <typename T> T sum_of(T a, T b) {
    if constexpr (std::is_floating_point_v<T>) return a + b;
    else return static_cast<T>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

/// Adds what one tap of the blocks saw, place by place along `axis` and the following ones.
template <typename T>
void add_column(const std::vector<BlockAxis>& axes, const std::vector<std::int64_t>& tap, std::size_t axis, const T* column, T* image) {
    const BlockAxis& b = axes[axis];
    for (std::int64_t place = 0; place < b.count; ++place, column += b.column_step) {
        const std::int64_t at = place * b.stride + tap[axis] * b.dilation - b.pad;
        if (at < 0 || at >= b.image) continue;
        T* target = image + at * b.image_step;
        if (axis + 1 == axes.size()) *target = sum_of(*target, *column);
        else add_column(axes, tap, axis + 1, column, target);
    }
}

/// Input [N, C block, places]: what a convolution's windows saw, summed where they overlap.
void col2im(const KernelContext& context) {
    const Tensor& x = context.required(0);
    const auto image = integers(context, context.required(1)), block = integers(context, context.required(2));
    if (x.shape().rank() != 3) context.reject(format("expected rank 3, found shape {}", x.shape().to_string()));
    std::vector<std::int64_t> dims{x.shape()[0], 0};
    dims.insert(dims.end(), image.begin(), image.end());
    const Shape taps(block);
    const auto tap_count = taps.checked_element_count();
    if (!tap_count || *tap_count < 1 || x.shape()[1] % *tap_count != 0) context.reject("the channels are no multiple of the block");
    dims[1] = x.shape()[1] / *tap_count;
    const Shape shape(std::move(dims));
    context.check_size(x.dtype(), shape);
    const std::vector<BlockAxis> axes = block_axes(context, image, block);
    Tensor& y = context.make_output(0, x.dtype(), shape);
    const std::int64_t planes = shape[0] * shape[1], plane = y.element_count() == 0 ? 0 : y.element_count() / planes;
    dispatch(Numbers{}, context, x.dtype(), [&]<typename T>() {
        T* to = y.mutable_data<T>();
        std::fill_n(to, y.element_count(), T{});
        if (x.element_count() == 0 || y.element_count() == 0) return;
        const T* column = x.data<T>();
        for (std::int64_t p = 0; p < planes; ++p) {
            std::vector<std::int64_t> tap(block.size(), 0);
            for (std::int64_t t = 0; t < *tap_count; ++t, column += x.shape()[2]) {
                add_column(axes, tap, 0, column, to + p * plane);
                for (std::size_t axis = tap.size(); axis-- > 0;) {
                    if (++tap[axis] < block[axis]) break;
                    tap[axis] = 0;
                }
            }
        }
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Col2Im", widened<col2im>},
    {"", "MaxUnpool", widened<max_unpool>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> unpool_kernels() { return kRows; }

}  // namespace mcompress::reference
