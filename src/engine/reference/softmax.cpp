// Softmax, LogSoftmax and Hardmax.
#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/ranges.h"
#include "ops/softmax.h"

namespace mcompress::reference {

namespace {

/// As much time as an exponential takes, in bytes moved.
constexpr std::int64_t kBytesOfAnExponential = 64;
/// Columns that are worked on side by side.
constexpr std::int64_t kColumns = 64;

/// Calls row(from, to, count, step) for every normalized run of elements.
template <typename T, typename Row> void for_each_run(const KernelContext& context, Row&& row) {
    const auto a = attrs<SoftmaxAttrs>(context.node);
    const Tensor& x = context.required(0);
    const int rank = x.shape().rank();
    const bool flat = a.extent == SoftmaxAttrs::Extent::AxisAndFollowing;
    const int axis = flat && a.axis == rank ? rank : checked_axis(context, a.axis, rank);
    const std::int64_t outer = x.shape().product(0, axis);
    const std::int64_t inner = flat ? 1 : x.shape().product(axis + 1, rank);
    const std::int64_t extent = flat ? x.shape().product(axis, rank) : x.shape()[axis];
    const T* from = x.data<T>();
    T* to = context.make_output(0, x.dtype(), x.shape()).template mutable_data<T>();
    if (extent == 0) return;
    for_ranges(outer * inner, 1, kBytesOfAnExponential * x.element_count(), context.threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t line = begin; line < end; ++line) {
            const std::int64_t base = line / inner * extent * inner + line % inner;
            row(from + base, to + base, extent, inner);
        }
    });
}

template <typename T> T largest(const T* from, std::int64_t count, std::int64_t step) {
    T best = from[0];
    for (std::int64_t i = 1; i < count; ++i) best = std::max(best, from[i * step]);
    return best;
}

/// `columns` softmaxes side by side, `pitch` elements from row to row: the elements of a row share cache lines.
template <typename T> void softmax_columns(const T* from, T* to, std::int64_t rows, std::int64_t pitch, std::int64_t columns) {
    T top[kColumns];
    double sum[kColumns] = {};
    std::copy_n(from, columns, top);
    for (std::int64_t row = 1; row < rows; ++row)
        for (std::int64_t i = 0; i < columns; ++i) top[i] = std::max(top[i], from[row * pitch + i]);
    for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t i = 0; i < columns; ++i) {
            const T value = std::exp(from[row * pitch + i] - top[i]);
            to[row * pitch + i] = value;
            sum[i] += static_cast<double>(value);
        }
    for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t i = 0; i < columns; ++i) to[row * pitch + i] = static_cast<T>(static_cast<double>(to[row * pitch + i]) / sum[i]);
}

/// Softmax along an axis that is not the innermost.
template <typename T> void softmax_across(const KernelContext& context, int axis) {
    const Tensor& x = context.required(0);
    const std::int64_t extent = x.shape()[axis], outer = x.shape().product(0, axis), inner = x.shape().product(axis + 1, x.shape().rank());
    const T* from = x.data<T>();
    T* to = context.make_output(0, x.dtype(), x.shape()).template mutable_data<T>();
    if (extent == 0) return;
    const std::int64_t blocks = (inner + kColumns - 1) / kColumns;
    for_ranges(outer * blocks, 1, kBytesOfAnExponential * x.element_count(), context.threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t block = begin; block < end; ++block) {
            const std::int64_t first = block % blocks * kColumns, base = block / blocks * extent * inner + first;
            softmax_columns(from + base, to + base, extent, inner, std::min(kColumns, inner - first));
        }
    });
}

void softmax(const KernelContext& context) {
    const auto a = attrs<SoftmaxAttrs>(context.node);
    const Shape& shape = context.required(0).shape();
    dispatch(Floats{}, context, context.required(0).dtype(), [&]<typename T>() {
        if (a.extent != SoftmaxAttrs::Extent::AxisAndFollowing) {
            const int axis = checked_axis(context, a.axis, shape.rank());
            if (shape.product(axis + 1, shape.rank()) > 1) return softmax_across<T>(context, axis);
        }
        for_each_run<T>(context, [](const T* from, T* to, std::int64_t count, std::int64_t step) {
            const T top = largest(from, count, step);
            double sum = 0.0;
            for (std::int64_t i = 0; i < count; ++i) {
                to[i * step] = std::exp(from[i * step] - top);
                sum += static_cast<double>(to[i * step]);
            }
            for (std::int64_t i = 0; i < count; ++i) to[i * step] = static_cast<T>(static_cast<double>(to[i * step]) / sum);
        });
    });
}

void log_softmax(const KernelContext& context) {
    dispatch(Floats{}, context, context.required(0).dtype(), [&]<typename T>() {
        for_each_run<T>(context, [](const T* from, T* to, std::int64_t count, std::int64_t step) {
            const T top = largest(from, count, step);
            double sum = 0.0;
            for (std::int64_t i = 0; i < count; ++i) sum += std::exp(static_cast<double>(from[i * step] - top));
            const double log_sum = std::log(sum);
            for (std::int64_t i = 0; i < count; ++i) to[i * step] = static_cast<T>(static_cast<double>(from[i * step] - top) - log_sum);
        });
    });
}

void hardmax(const KernelContext& context) {
    dispatch(Floats{}, context, context.required(0).dtype(), [&]<typename T>() {
        for_each_run<T>(context, [](const T* from, T* to, std::int64_t count, std::int64_t step) {
            std::int64_t best = 0;
            for (std::int64_t i = 0; i < count; ++i) {
                to[i * step] = T{0};
                if (from[i * step] > from[best * step]) best = i;
            }
            to[best * step] = T{1};
        });
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Hardmax", widened<hardmax>},
    {"", "LogSoftmax", widened<log_softmax>},
    {"", "Softmax", widened<softmax>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> softmax_kernels() { return kRows; }

}  // namespace mcompress::reference
