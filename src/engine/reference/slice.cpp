// Slice and Pad: boxes of a tensor.
#include <algorithm>
#include <cstring>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/ranges.h"
#include "engine/reference/repeated_position.h"
#include "engine/reference/strided.h"
#include "ops/shape.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

using List = std::optional<std::vector<std::int64_t>>;

List given(const KernelContext& context, const IntegersSource& source) {
    if (source.input < 0) return source.values;
    if (!context.has_input(source.input)) return std::nullopt;
    return integers(context, context.input(source.input));
}

void slice(const KernelContext& context) {
    const auto a = attrs<SliceAttrs>(context.node);
    const Tensor& x = context.required(0);
    const List starts = given(context, a.starts), ends = given(context, a.ends);
    if (!starts || !ends) context.reject("starts or ends are missing");
    const auto ranges = SliceAttrs::resolve(x.shape(), *starts, *ends, given(context, a.axes), given(context, a.steps));
    const Strides own = x.shape().strides();
    std::vector<std::int64_t> dims;
    Strides strides;
    std::int64_t offset = 0;
    for (std::size_t axis = 0; axis < ranges.size(); ++axis) {
        dims.push_back(ranges[axis].count);
        // The step to a second element that there is not may be any number.
        strides.push_back(ranges[axis].count > 1 ? ranges[axis].step * own[axis] : 0);
        if (ranges[axis].count > 0) offset += ranges[axis].start * own[axis];
    }
    const Shape shape(std::move(dims));
    Tensor& y = context.make_output(0, x.dtype(), shape);
    if (shape.element_count() == 0) return;
    dispatch_size(context, x.dtype(), [&]<typename T>() {
        copy_strided(reinterpret_cast<T*>(y.mutable_bytes()), reinterpret_cast<const T*>(x.bytes()) + offset, shape, strides,
                     context.threads);
    });
}

/// Repeats the input along every axis, one axis at a time from the last to the first: blocks of `inner` elements are copied.
template <typename T>
void pad_by_repeating(const KernelContext& context, PadAttrs::Mode mode, const std::vector<PadAttrs::Amount>& amounts) {
    Tensor x = context.required(0);
    for (int axis = x.shape().rank() - 1; axis >= 0; --axis) {
        const auto& amount = amounts[static_cast<std::size_t>(axis)];
        if (amount.begin == 0 && amount.end == 0) continue;
        Shape shape = x.shape();
        const std::int64_t extent = shape[axis], outer = shape.product(0, axis), inner = shape.product(axis + 1, shape.rank());
        shape[axis] += amount.begin + amount.end;
        // Negative amounts crop before anything is repeated.
        const std::int64_t first = std::max<std::int64_t>(0, -amount.begin), kept = extent - first - std::max<std::int64_t>(0, -amount.end);
        if (shape[axis] > 0 && kept <= 0) context.reject("an empty axis cannot be repeated");
        context.check_size(x.dtype(), shape);
        Tensor y = Tensor::uninitialized(x.dtype(), shape);
        T* to = reinterpret_cast<T*>(y.mutable_bytes());
        const T* from = reinterpret_cast<const T*>(x.bytes());
        for (std::int64_t o = 0; o < outer; ++o)
            for (std::int64_t i = 0; i < shape[axis]; ++i, to += inner)
                std::copy_n(from +
                                (o * extent + first + repeated_position(mode, i - std::max<std::int64_t>(0, amount.begin), kept)) * inner,
                            inner, to);
        x = std::move(y);
    }
    context.set_output(0, std::move(x));
}

/// The fill of mode constant as the bits of one element.
template <typename T> T fill_value(const KernelContext& context, const PadAttrs& a) {
    T fill{};
    if (a.value.input >= 0 && context.has_input(a.value.input)) {
        const Tensor& value = context.input(a.value.input);
        if (value.dtype() != context.input(0).dtype() || value.element_count() != 1)
            context.reject("the fill must be one element of the input's type");
        std::memcpy(&fill, value.bytes(), sizeof fill);
    } else if (a.value.input < 0 && a.value.value && *a.value.value != 0.0) {
        dispatch(TypeList<float, double>{}, context, context.input(0).dtype(), [&]<typename F>() {
            if constexpr (sizeof(F) == sizeof(T)) {
                const F number = static_cast<F>(*a.value.value);
                std::memcpy(&fill, &number, sizeof fill);
            }
        });
    }
    return fill;
}

/// Fills the output, then copies the part of the input that stays (negative amounts crop).
template <typename T>
void pad_with_constant(const KernelContext& context, const PadAttrs& a, const std::vector<PadAttrs::Amount>& amounts) {
    const Tensor& x = context.required(0);
    std::vector<std::int64_t> dims, kept;
    std::int64_t from_offset = 0, to_offset = 0;
    const Strides own = x.shape().strides();
    for (std::size_t axis = 0; axis < amounts.size(); ++axis) {
        const std::int64_t extent = x.shape()[static_cast<int>(axis)];
        dims.push_back(extent + amounts[axis].begin + amounts[axis].end);
        kept.push_back(std::max<std::int64_t>(0, extent + std::min<std::int64_t>(0, amounts[axis].begin) +
                                                     std::min<std::int64_t>(0, amounts[axis].end)));
        from_offset += std::max<std::int64_t>(0, -amounts[axis].begin) * own[axis];
    }
    const Shape shape(dims), box(kept);
    Tensor& y = context.make_output(0, x.dtype(), shape);
    T* to = reinterpret_cast<T*>(y.mutable_bytes());
    std::fill_n(to, y.element_count(), fill_value<T>(context, a));
    if (box.element_count() == 0) return;
    const Strides outer = shape.strides();
    for (std::size_t axis = 0; axis < amounts.size(); ++axis) to_offset += std::max<std::int64_t>(0, amounts[axis].begin) * outer[axis];
    const StridedLoop<2> loop(box, {own, outer});
    const auto step = loop.inner_steps();  // not 1 where the last axes have one element and become longer or shorter
    const T* from = reinterpret_cast<const T*>(x.bytes()) + from_offset;
    const std::int64_t elements = box.element_count(), size = static_cast<std::int64_t>(sizeof(T));
    for_ranges(elements, 64, 2 * elements * size, context.threads, [&](std::int64_t begin, std::int64_t end) {
        loop.run(begin, end, [&](const auto& offset, std::int64_t, std::int64_t count) {
            const T* source = from + offset[0];
            T* target = to + to_offset + offset[1];
            if (step[0] == 1 && step[1] == 1) std::copy_n(source, count, target);
            else
                for (std::int64_t at = 0; at < count; ++at) target[at * step[1]] = source[at * step[0]];
        });
    });
}

void pad(const KernelContext& context) {
    const auto a = attrs<PadAttrs>(context.node);
    const Tensor& x = context.required(0);
    const List pads = given(context, a.pads);
    if (!pads) context.reject("the pads are missing");
    const auto amounts = PadAttrs::resolve(x.shape().rank(), *pads, given(context, a.axes));
    for (std::size_t axis = 0; axis < amounts.size(); ++axis) {
        std::int64_t extent = x.shape()[static_cast<int>(axis)];
        if (__builtin_add_overflow(extent, amounts[axis].begin, &extent) || __builtin_add_overflow(extent, amounts[axis].end, &extent) ||
            extent < 0)
            context.reject(format("pads of axis {} do not fit its {} elements", axis, x.shape()[static_cast<int>(axis)]));
    }
    dispatch_size(context, x.dtype(), [&]<typename T>() {
        if (a.mode == PadAttrs::Mode::Constant) pad_with_constant<T>(context, a, amounts);
        else pad_by_repeating<T>(context, a.mode, amounts);
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Pad", moving<pad>},
    {"", "Slice", moving<slice>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> slice_kernels() { return kRows; }

}  // namespace mcompress::reference
