// Unique: the distinct elements of a tensor, or its distinct slices along an axis.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/indexing.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

using Keys = TypeList<float, double, std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t, std::uint32_t,
                      std::uint64_t, bool>;

/// NaN is equal to itself and larger than any number.
template <typename T> bool less(T a, T b) {
    if constexpr (std::is_floating_point_v<T>)
        if (std::isnan(b)) return !std::isnan(a);
    return a < b;
}

/// Numbers that are ordered as the texts are.
Tensor ranks(const Tensor& texts) {
    const std::vector<std::string>& values = texts.strings();
    std::vector<std::string> distinct = values;
    std::sort(distinct.begin(), distinct.end());
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    std::vector<std::int64_t> result;
    for (const std::string& value : values) result.push_back(std::lower_bound(distinct.begin(), distinct.end(), value) - distinct.begin());
    return Tensor::from_values(texts.shape(), result);
}

/// The input as [outer, slices, inner]; a slice is what lies at one position of the middle axis.
struct Slices {
    std::int64_t outer, count, inner;
};

/// Lexicographic order of slices, in the row-major order of their elements.
template <typename T> bool slice_less(const T* keys, const Slices& s, std::int64_t a, std::int64_t b) {
    for (std::int64_t o = 0; o < s.outer; ++o) {
        const T *row_a = keys + (o * s.count + a) * s.inner, *row_b = keys + (o * s.count + b) * s.inner;
        for (std::int64_t i = 0; i < s.inner; ++i) {
            if (less(row_a[i], row_b[i])) return true;
            if (less(row_b[i], row_a[i])) return false;
        }
    }
    return false;
}

struct Groups {
    std::vector<std::int64_t> first, counts;  // of every distinct slice
    std::vector<std::int64_t> inverse;        // of every slice: which distinct one it is
};

template <typename T> Groups group(const T* keys, const Slices& s, UniqueAttrs::Order wanted) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(s.count));
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return slice_less(keys, s, a, b); });
    Groups groups;
    groups.inverse.resize(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (i == 0 || slice_less(keys, s, order[i - 1], order[i])) {
            groups.first.push_back(order[i]);
            groups.counts.push_back(0);
        }
        ++groups.counts.back();
        groups.inverse[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(groups.first.size()) - 1;
    }
    if (wanted == UniqueAttrs::Order::Ascending) return groups;
    std::vector<std::int64_t> by_first(groups.first.size()), place(groups.first.size());
    std::iota(by_first.begin(), by_first.end(), std::int64_t{0});
    const auto at = [](const std::vector<std::int64_t>& values, std::int64_t i) { return values[static_cast<std::size_t>(i)]; };
    std::sort(by_first.begin(), by_first.end(), [&](std::int64_t a, std::int64_t b) { return at(groups.first, a) < at(groups.first, b); });
    Groups result;
    for (const std::int64_t g : by_first) {
        place[static_cast<std::size_t>(g)] = static_cast<std::int64_t>(result.first.size());
        result.first.push_back(at(groups.first, g));
        result.counts.push_back(at(groups.counts, g));
    }
    for (const std::int64_t g : groups.inverse) result.inverse.push_back(at(place, g));
    return result;
}

/// The slices `first` of the input, in that order.
void gather(const KernelContext& context, const Tensor& x, const Slices& s, const std::vector<std::int64_t>& first, const Shape& shape) {
    if (x.dtype() == DType::String) {
        std::vector<std::string> texts;
        for (std::int64_t o = 0; o < s.outer; ++o)
            for (const std::int64_t slice : first)
                for (std::int64_t i = 0; i < s.inner; ++i)
                    texts.push_back(x.strings()[static_cast<std::size_t>((o * s.count + slice) * s.inner + i)]);
        return context.set_output(0, Tensor::from_strings(shape, std::move(texts)));
    }
    const std::size_t bytes = packed_byte_size(x.dtype(), s.inner);
    std::byte* to = context.make_output(0, x.dtype(), shape).mutable_bytes();
    for (std::int64_t o = 0; o < s.outer; ++o)
        for (const std::int64_t slice : first)
            to = std::copy_n(x.bytes() + static_cast<std::size_t>(o * s.count + slice) * bytes, bytes, to);
}

void unique(const KernelContext& context) {
    const auto a = attrs<UniqueAttrs>(context.node);
    const Tensor x = a.axis ? context.required(0) : context.required(0).reshaped(Shape{context.required(0).element_count()});
    const int axis = checked_axis(context, a.axis.value_or(0), x.shape().rank());
    Slices s{x.shape().product(0, axis), x.shape()[axis], x.shape().product(axis + 1, x.shape().rank())};
    if (x.element_count() == 0) {  // slices without elements are all equal; the other extents may be as large as they like
        if (s.count > 1 << 20) context.reject(format("{} empty slices", s.count));
        s.outer = s.inner = 0;
    }
    const bool is_half = x.dtype() == DType::Float16 || x.dtype() == DType::BFloat16;
    const Tensor keys = x.dtype() == DType::String ? ranks(x) : is_half ? half_to_float(x) : x;
    Groups groups;
    dispatch(Keys{}, context, keys.dtype(), [&]<typename T>() { groups = group(keys.data<T>(), s, a.order); });
    Shape shape = x.shape();
    shape[axis] = static_cast<std::int64_t>(groups.first.size());
    gather(context, x, s, groups.first, shape);
    const std::vector<std::int64_t>* lists[] = {&groups.first, &groups.inverse, &groups.counts};
    for (int i = 0; i < 3; ++i)
        if (context.wants_output(i + 1))
            context.set_output(i + 1, Tensor::from_values(Shape{static_cast<std::int64_t>(lists[i]->size())}, *lists[i]));
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Unique", unique},
};
// clang-format on

}  // namespace

std::span<const KernelRow> unique_kernels() { return kRows; }

}  // namespace mcompress::reference
