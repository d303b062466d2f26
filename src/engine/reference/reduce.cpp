// Reductions over axes, ArgMax, ArgMin and CumSum.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/strided.h"
#include "ops/reduce.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

struct Plan {
    Shape kept, reduced;  // extents of the axes that stay, and of those that go
    Strides kept_strides, reduced_strides;
    Shape output;
    bool is_identity = false;
};

Plan plan_reduction(const KernelContext& context) {
    const auto a = attrs<ReduceAttrs>(context.node);
    const Shape& x = context.required(0).shape();
    std::vector<std::int64_t> given;
    if (a.axes.input >= 0 && context.has_input(a.axes.input)) given = integers(context, context.input(a.axes.input));
    else if (a.axes.input < 0 && a.axes.values) given = *a.axes.values;
    Plan plan;
    plan.is_identity = given.empty() && a.empty_axes == ReduceAttrs::EmptyAxes::Identity;
    const std::vector<int> axes = plan.is_identity ? std::vector<int>{} : a.resolve(x.rank(), given);
    const Strides own = x.strides();
    std::vector<std::int64_t> kept, reduced, output;
    for (int axis = 0; axis < x.rank(); ++axis) {
        const bool goes = std::find(axes.begin(), axes.end(), axis) != axes.end();
        (goes ? reduced : kept).push_back(x[axis]);
        (goes ? plan.reduced_strides : plan.kept_strides).push_back(own[static_cast<std::size_t>(axis)]);
        if (!goes || a.keeps_dims) output.push_back(goes ? 1 : x[axis]);
    }
    plan.kept = Shape(std::move(kept));
    plan.reduced = Shape(std::move(reduced));
    plan.output = Shape(std::move(output));
    return plan;
}

/// A reduction: start value, what an element adds, and what becomes of the total over `count` elements.
template <typename T, typename Acc, typename Add, typename Finish>
void fold(const KernelContext& context, const Plan& plan, Acc start, Add add, Finish finish) {
    const Tensor& x = context.required(0);
    T* to = context.make_output(0, x.dtype(), plan.output).template mutable_data<T>();
    const StridedLoop<1> outer(plan.kept, {plan.kept_strides}), inner(plan.reduced, {plan.reduced_strides});
    const std::int64_t count = plan.reduced.element_count(), step = inner.inner_steps()[0];
    outer.run([&](const auto& base) {
        for (std::int64_t i = 0; i < outer.inner_size(); ++i) {
            const T* from = x.data<T>() + base[0] + i * outer.inner_steps()[0];
            Acc total = start;
            inner.run([&](const auto& offset) {
                for (std::int64_t k = 0; k < inner.inner_size(); ++k) total = add(total, from[offset[0] + k * step]);
            });
            *to++ = static_cast<T>(finish(total, count));
        }
    });
}

using Summable = TypeList<float, double, std::int8_t, std::int32_t, std::int64_t, std::uint8_t, std::uint32_t, std::uint64_t>;

/// The type sums are made in: double for floats, wrapping 64-bit integers else.
template <typename T> using Accumulator = std::conditional_t<std::is_floating_point_v<T>, double, std::uint64_t>;

template <typename Add, typename Finish> void sum_like(const KernelContext& context, Add add, Finish finish) {
    const Plan plan = plan_reduction(context);
    dispatch(Summable{}, context, context.required(0).dtype(), [&]<typename T>() {
        using Acc = Accumulator<T>;
        fold<T, Acc>(
            context, plan, Acc{}, [&](Acc total, T value) { return add(total, static_cast<Acc>(value)); }, finish);
    });
}

constexpr auto kAsIs = [](auto total, std::int64_t) { return total; };

void reduce_sum(const KernelContext& context) {
    sum_like(
        context, [](auto total, auto value) { return total + value; }, kAsIs);
}
void reduce_sum_square(const KernelContext& context) {
    sum_like(
        context, [](auto total, auto value) { return total + value * value; }, kAsIs);
}
void reduce_mean(const KernelContext& context) {
    const Plan plan = plan_reduction(context);
    dispatch(Summable{}, context, context.required(0).dtype(), [&]<typename T>() {
        fold<T, double>(
            context, plan, 0.0, [](double total, T value) { return total + static_cast<double>(value); },
            [](double total, std::int64_t count) {
                return count > 0 ? total / static_cast<double>(count) : std::numeric_limits<double>::quiet_NaN();
            });
    });
}
void reduce_prod(const KernelContext& context) {
    const Plan plan = plan_reduction(context);
    dispatch(Summable{}, context, context.required(0).dtype(), [&]<typename T>() {
        using Acc = Accumulator<T>;
        fold<T, Acc>(
            context, plan, Acc{1}, [](Acc total, T value) { return total * static_cast<Acc>(value); }, kAsIs);
    });
}

/// Reductions whose result is a real function of a sum, in double whatever the type.
template <typename Add, typename Finish> void real(const KernelContext& context, Add add, Finish finish) {
    const Plan plan = plan_reduction(context);
    dispatch(Summable{}, context, context.required(0).dtype(), [&]<typename T>() {
        fold<T, double>(
            context, plan, 0.0, [&](double total, T value) { return add(total, static_cast<double>(value)); },
            [&](double total, std::int64_t) { return finish(total); });
    });
}
void reduce_l1(const KernelContext& context) {
    real(
        context, [](double total, double value) { return total + std::abs(value); }, [](double total) { return total; });
}
void reduce_l2(const KernelContext& context) {
    real(
        context, [](double total, double value) { return total + value * value; }, [](double total) { return std::sqrt(total); });
}
void reduce_log_sum(const KernelContext& context) {
    real(
        context, [](double total, double value) { return total + value; }, [](double total) { return std::log(total); });
}

/// The running maximum and the sum relative to it, so that nothing overflows.
struct LogSum {
    double top = -std::numeric_limits<double>::infinity(), sum = 0.0;
};
void reduce_log_sum_exp(const KernelContext& context) {
    const Plan plan = plan_reduction(context);
    dispatch(Floats{}, context, context.required(0).dtype(), [&]<typename T>() {
        fold<T, LogSum>(
            context, plan, LogSum{},
            [](LogSum total, T element) {
                const double value = static_cast<double>(element);
                if (value <= total.top)
                    return LogSum{total.top, total.sum + (std::isinf(value) && value == total.top ? (value > 0 ? 1.0 : 0.0)
                                                                                                  : std::exp(value - total.top))};
                return LogSum{value, (total.sum == 0.0 ? 0.0 : total.sum * std::exp(total.top - value)) + 1.0};
            },
            [](const LogSum& total, std::int64_t) { return total.top + std::log(total.sum); });
    });
}

template <typename Better> void extreme(const KernelContext& context, Better better) {
    const Plan plan = plan_reduction(context);
    const Tensor& x = context.required(0);
    if (plan.reduced.element_count() == 0 && plan.kept.element_count() > 0) context.reject("an empty axis has no extreme value");
    dispatch(TypeList<float, double, std::int8_t, std::int32_t, std::int64_t, std::uint8_t, std::uint32_t, std::uint64_t, bool>{}, context,
             x.dtype(), [&]<typename T>() {
                 struct Best {
                     bool found;
                     T value;
                 };
                 fold<T, Best>(
                     context, plan, Best{false, T{}},
                     [&](const Best& best, T value) {
                         return !best.found || better(value, best.value) || value != value ? Best{true, value} : best;
                     },
                     [](const Best& best, std::int64_t) { return best.value; });
             });
}
void reduce_max(const KernelContext& context) {
    extreme(context, [](auto a, auto b) { return a > b; });
}
void reduce_min(const KernelContext& context) {
    extreme(context, [](auto a, auto b) { return a < b; });
}

template <typename Better> void arg_extreme(const KernelContext& context, Better better) {
    const auto a = attrs<ArgReduceAttrs>(context.node);
    const Tensor& x = context.required(0);
    const int axis = checked_axis(context, a.axis, x.shape().rank());
    const std::int64_t extent = x.shape()[axis], outer = x.shape().product(0, axis), inner = x.shape().product(axis + 1, x.shape().rank());
    if (extent == 0) context.reject("an empty axis has no extreme value");
    std::vector<std::int64_t> dims = x.shape().dims();
    if (a.keeps_dims) dims[static_cast<std::size_t>(axis)] = 1;
    else dims.erase(dims.begin() + axis);
    std::int64_t* to = context.make_output(0, DType::Int64, Shape(std::move(dims))).mutable_data<std::int64_t>();
    const bool takes_last = a.ties == ArgReduceAttrs::Ties::Last;
    dispatch(Numbers{}, context, x.dtype(), [&]<typename T>() {
        for (std::int64_t line = 0; line < outer * inner; ++line) {
            const T* from = x.data<T>() + line / inner * extent * inner + line % inner;
            std::int64_t best = 0;
            for (std::int64_t i = 1; i < extent; ++i)
                if (better(from[i * inner], from[best * inner]) || (takes_last && from[i * inner] == from[best * inner])) best = i;
            *to++ = best;
        }
    });
}
void arg_max(const KernelContext& context) {
    arg_extreme(context, [](auto a, auto b) { return a > b; });
}
void arg_min(const KernelContext& context) {
    arg_extreme(context, [](auto a, auto b) { return a < b; });
}

void cum_sum(const KernelContext& context) {
    const auto a = attrs<CumSumAttrs>(context.node);
    const Tensor& x = context.required(0);
    const int axis = checked_axis(context, integer(context, context.required(1)), x.shape().rank());
    const std::int64_t extent = x.shape()[axis], outer = x.shape().product(0, axis), inner = x.shape().product(axis + 1, x.shape().rank());
    dispatch(TypeList<float, double, std::int32_t, std::int64_t, std::uint32_t, std::uint64_t>{}, context, x.dtype(), [&]<typename T>() {
        T* to = context.make_output(0, x.dtype(), x.shape()).template mutable_data<T>();
        for (std::int64_t line = 0; line < outer * inner; ++line) {
            const std::int64_t base = line / inner * extent * inner + line % inner;
            Accumulator<T> total{};
            for (std::int64_t i = 0; i < extent; ++i) {
                const std::int64_t at = base + (a.reverse ? extent - 1 - i : i) * inner;
                const auto value = static_cast<Accumulator<T>>(x.data<T>()[at]);
                to[at] = static_cast<T>(a.exclusive ? total : total + value);
                total += value;
            }
        }
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "ArgMax", widened<arg_max>},
    {"", "ArgMin", widened<arg_min>},
    {"", "CumSum", widened<cum_sum>},
    {"", "ReduceL1", widened<reduce_l1>},
    {"", "ReduceL2", widened<reduce_l2>},
    {"", "ReduceLogSum", widened<reduce_log_sum>},
    {"", "ReduceLogSumExp", widened<reduce_log_sum_exp>},
    {"", "ReduceMax", widened<reduce_max>},
    {"", "ReduceMean", widened<reduce_mean>},
    {"", "ReduceMin", widened<reduce_min>},
    {"", "ReduceProd", widened<reduce_prod>},
    {"", "ReduceSum", widened<reduce_sum>},
    {"", "ReduceSumSquare", widened<reduce_sum_square>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> reduce_kernels() { return kRows; }

}  // namespace mcompress::reference
