// Elementwise loops over one input or two broadcast ones.
#pragma once

#include "engine/reference/kernel.h"
#include "engine/reference/ranges.h"
#include "engine/reference/strided.h"
#include "support/error.h"

namespace mcompress::reference {

/// The broadcast of input shapes a and b, or kShapeInvalid.
Shape broadcast_shape(const KernelContext& context, const Shape& a, const Shape& b);

/// The shape of input 1 with 1s appended where the legacy rule (opset < 7) puts its axes left of input 0's last ones.
Shape aligned_second_shape(const KernelContext& context);

/// One innermost run. The common cases have loops a compiler can vectorize.
template <typename A, typename B, typename Out, typename Op>
void run_pair(Out* to, const A* a, std::int64_t a_step, const B* b, std::int64_t b_step, std::int64_t count, Op& op) {
    if (a_step == 1 && b_step == 1) {
        for (std::int64_t i = 0; i < count; ++i) to[i] = op(a[i], b[i]);
    } else if (a_step == 1 && b_step == 0) {
        const B fixed = *b;
        for (std::int64_t i = 0; i < count; ++i) to[i] = op(a[i], fixed);
    } else if (a_step == 0 && b_step == 1) {
        const A fixed = *a;
        for (std::int64_t i = 0; i < count; ++i) to[i] = op(fixed, b[i]);
    } else {
        for (std::int64_t i = 0; i < count; ++i) to[i] = op(a[i * a_step], b[i * b_step]);
    }
}

/// Output 0 = op(input 0, input 1) with NumPy broadcasting.
template <typename A, typename B, typename Out, typename Op> void broadcast_binary(const KernelContext& context, Op op) {
    const Tensor &a = context.required(0), &b = context.required(1);
    if (b.dtype() != dtype_of<B>) context.reject_dtype(b.dtype());
    const Shape b_shape = aligned_second_shape(context);
    const Shape shape = broadcast_shape(context, a.shape(), b_shape);
    Out* to = context.make_output(0, dtype_of<Out>, shape).template mutable_data<Out>();
    const A* from_a = a.data<A>();
    const B* from_b = b.data<B>();
    const StridedLoop<2> loop(shape, {broadcast_strides(a.shape(), shape), broadcast_strides(b_shape, shape)});
    const std::int64_t elements = shape.element_count(), moved = static_cast<std::int64_t>(sizeof(A) + sizeof(B) + sizeof(Out)) * elements;
    const auto steps = loop.inner_steps();
    for_ranges(elements, 64, moved, context.threads, [&](std::int64_t begin, std::int64_t end) {
        loop.run(begin, end, [&](const auto& offset, std::int64_t position, std::int64_t count) {
            run_pair(to + position, from_a + offset[0], steps[0], from_b + offset[1], steps[1], count, op);
        });
    });
}

/// Output 0 = op(element) for every element of input 0.
template <typename In, typename Out, typename Op> void map_elements(const KernelContext& context, Op op) {
    const Tensor& x = context.required(0);
    const In* from = x.data<In>();
    Out* to = context.make_output(0, dtype_of<Out>, x.shape()).template mutable_data<Out>();
    const std::int64_t moved = static_cast<std::int64_t>(sizeof(In) + sizeof(Out)) * x.element_count();
    for_ranges(x.element_count(), 64, moved, context.threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) to[i] = static_cast<Out>(op(from[i]));
    });
}

}  // namespace mcompress::reference
