// Operators that make tensors from numbers: Constant, ConstantOfShape, Range, EyeLike.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/indexing.h"
#include "ops/shape.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

void constant(const KernelContext& context) {
    Tensor value = attrs<ConstantAttrs>(context.node).value;
    if (!value.defined()) fail(codes::kOperatorUnsupported, "node '{}': a sparse Constant cannot be executed", context.node.display_name());
    context.set_output(0, std::move(value));
}

void constant_of_shape(const KernelContext& context) {
    const Tensor value = attrs<ConstantOfShapeAttrs>(context.node).value;
    if (value.element_count() != 1) context.reject("the value must have one element");
    Tensor& y = context.make_output(0, value.dtype(), Shape(integers(context, context.required(0))));
    dispatch_size(context, value.dtype(), [&]<typename T>() {
        T fill;
        std::memcpy(&fill, value.bytes(), sizeof fill);
        std::fill_n(reinterpret_cast<T*>(y.mutable_bytes()), y.element_count(), fill);
    });
}

template <typename T> std::int64_t range_count(const KernelContext& context, T start, T limit, T delta) {
    if (delta == T{0}) context.reject("the step is 0");
    const double count = std::ceil((static_cast<double>(limit) - static_cast<double>(start)) / static_cast<double>(delta));
    if (!(count < 9e18)) context.reject("the range has no end");
    return count > 0.0 ? static_cast<std::int64_t>(count) : 0;
}

void range(const KernelContext& context) {
    const Tensor& start = context.required(0);
    for (int i = 0; i < 3; ++i)
        if (context.required(i).element_count() != 1 || context.input(i).dtype() != start.dtype())
            context.reject("expected three scalars of one type");
    dispatch(TypeList<float, double, std::int16_t, std::int32_t, std::int64_t>{}, context, start.dtype(), [&]<typename T>() {
        const T first = start.data<T>()[0], delta = context.input(2).data<T>()[0];
        const std::int64_t count = range_count(context, first, context.input(1).data<T>()[0], delta);
        T* to = context.make_output(0, start.dtype(), Shape{count}).template mutable_data<T>();
        for (std::int64_t i = 0; i < count; ++i) {
            if constexpr (std::is_floating_point_v<T>) to[i] = first + static_cast<T>(i) * delta;
            else  // in unsigned arithmetic: the product alone may overflow
                to[i] =
                    static_cast<T>(static_cast<std::uint64_t>(first) + static_cast<std::uint64_t>(i) * static_cast<std::uint64_t>(delta));
        }
    });
}

using Markable = TypeList<float, double, std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t, std::uint32_t,
                          std::uint64_t, bool>;

void eye_like(const KernelContext& context) {
    const auto a = attrs<EyeLikeAttrs>(context.node);
    const Tensor& x = context.required(0);
    if (x.shape().rank() != 2) context.reject("expected a matrix");
    const DType dtype = a.dtype == DType::Undefined ? x.dtype() : a.dtype;
    if (dtype == DType::String) context.reject_dtype(dtype);
    const std::int64_t columns = x.shape()[1];
    std::int64_t end = 0;  // of the rows whose diagonal element exists
    if (__builtin_sub_overflow(columns, a.k, &end)) end = a.k < 0 ? x.shape()[0] : 0;
    const bool is_half = dtype == DType::Float16 || dtype == DType::BFloat16;
    dispatch(Markable{}, context, is_half ? DType::Float32 : dtype, [&]<typename T>() {
        T* to = context.make_output(0, dtype_of<T>, x.shape()).template mutable_data<T>();
        std::fill_n(to, x.element_count(), T{});
        if (x.element_count() == 0) return;
        for (std::int64_t row = a.k < 0 ? -std::max(a.k, -x.shape()[0]) : 0; row < std::min(end, x.shape()[0]); ++row)
            to[row * columns + row + a.k] = T{1};
    });
    if (is_half) context.set_output(0, float_to_half(context.outputs[0], dtype));
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Constant", constant},
    {"", "ConstantOfShape", constant_of_shape},
    {"", "EyeLike", eye_like},
    {"", "Range", widened<range>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> constant_kernels() { return kRows; }

}  // namespace mcompress::reference
