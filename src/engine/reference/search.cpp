// TopK.
#include <algorithm>
#include <numeric>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/reduce.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

std::int64_t wanted_count(const KernelContext& context, const IntegersSource& k) {
    if (k.input >= 0) return integer(context, context.required(k.input));
    if (!k.values || k.values->size() != 1) context.reject("k is missing");
    return (*k.values)[0];
}

/// Equal elements keep the order of their indices.
void top_k(const KernelContext& context) {
    const auto a = attrs<TopKAttrs>(context.node);
    const Tensor& x = context.required(0);
    const int axis = checked_axis(context, a.axis, x.shape().rank());
    const std::int64_t count = wanted_count(context, a.k), extent = x.shape()[axis];
    if (count < 0 || count > extent) context.reject(format("k = {} of {} elements", count, extent));
    Shape shape = x.shape();
    shape[axis] = count;
    const std::int64_t outer = shape.product(0, axis), inner = shape.product(axis + 1, shape.rank());
    const bool largest = a.order == TopKAttrs::Order::Largest;
    std::int64_t* indices = context.make_output(1, DType::Int64, shape).mutable_data<std::int64_t>();
    std::vector<std::int64_t> order(static_cast<std::size_t>(extent));
    dispatch(Numbers{}, context, x.dtype(), [&]<typename T>() {
        T* values = context.make_output(0, x.dtype(), shape).template mutable_data<T>();
        for (std::int64_t line = 0; line < outer * inner; ++line) {
            const T* from = x.data<T>() + line / inner * extent * inner + line % inner;
            const std::int64_t to = line / inner * count * inner + line % inner;
            std::iota(order.begin(), order.end(), std::int64_t{0});
            const auto before = [&](std::int64_t i, std::int64_t j) {
                const T left = from[i * inner], right = from[j * inner];
                return left == right ? i < j : largest ? left > right : left < right;
            };
            std::partial_sort(order.begin(), order.begin() + count, order.end(), before);
            for (std::int64_t i = 0; i < count; ++i) {
                indices[to + i * inner] = order[static_cast<std::size_t>(i)];
                values[to + i * inner] = from[order[static_cast<std::size_t>(i)] * inner];
            }
        }
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "TopK", widened<top_k>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> search_kernels() { return kRows; }

}  // namespace mcompress::reference
