// Softmax, LogSoftmax and Hardmax.
#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/softmax.h"

namespace mcompress::reference {

namespace {

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
    for (std::int64_t o = 0; o < outer; ++o)
        for (std::int64_t i = 0; i < inner; ++i) {
            const std::int64_t base = o * extent * inner + i;
            row(from + base, to + base, extent, inner);
        }
}

template <typename T> T largest(const T* from, std::int64_t count, std::int64_t step) {
    T best = from[0];
    for (std::int64_t i = 1; i < count; ++i) best = std::max(best, from[i * step]);
    return best;
}

void softmax(const KernelContext& context) {
    dispatch(Floats{}, context, context.required(0).dtype(), [&]<typename T>() {
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
