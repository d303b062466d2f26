// Reductions over axes, ArgMax, ArgMin and CumSum.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/reference/dispatch.h"
#include "engine/reference/fold.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/saturate.h"
#include "ops/reduce.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

struct Plan {
    ReductionAxes axes;
    Shape output;
};

Plan plan_reduction(const KernelContext& context) {
    const auto a = attrs<ReduceAttrs>(context.node);
    const Shape& x = context.required(0).shape();
    std::vector<std::int64_t> given;
    if (a.axes.input >= 0 && context.has_input(a.axes.input)) given = integers(context, context.input(a.axes.input));
    else if (a.axes.input < 0 && a.axes.values) given = *a.axes.values;
    Plan plan;
    const bool is_identity = given.empty() && a.empty_axes == ReduceAttrs::EmptyAxes::Identity;
    const std::vector<int> axes = is_identity ? std::vector<int>{} : a.resolve(x.rank(), given);
    const Strides own = x.strides();
    std::vector<std::int64_t> kept, reduced, output;
    for (int axis = 0; axis < x.rank(); ++axis) {
        const bool goes = std::find(axes.begin(), axes.end(), axis) != axes.end();
        (goes ? reduced : kept).push_back(x[axis]);
        (goes ? plan.axes.reduced_strides : plan.axes.kept_strides).push_back(own[static_cast<std::size_t>(axis)]);
        if (!goes || a.keeps_dims) output.push_back(goes ? 1 : x[axis]);
    }
    plan.axes.kept = Shape(std::move(kept));
    plan.axes.reduced = Shape(std::move(reduced));
    plan.output = Shape(std::move(output));
    return plan;
}

/// Output 0 = finish(all elements that fall together, how many they are).
template <typename T, typename Acc, typename Add, typename Merge, typename Finish>
void fold(const KernelContext& context, const Plan& plan, const Folding<Acc, Add, Merge>& folding, Finish finish) {
    const Tensor& x = context.required(0);
    T* to = context.make_output(0, x.dtype(), plan.output).template mutable_data<T>();
    const std::int64_t count = plan.axes.reduced.element_count();
    fold_axes(x.data<T>(), plan.axes, folding, context.threads, [&](std::int64_t at, const Acc& total) {
        // The mean of no integers, and the logarithm of none, have no integer.
        if constexpr (std::is_same_v<decltype(finish(total, count)), double>) to[at] = saturate<T>(finish(total, count));
        else to[at] = static_cast<T>(finish(total, count));
    });
}

using Summable = TypeList<float, double, std::int8_t, std::int32_t, std::int64_t, std::uint8_t, std::uint32_t, std::uint64_t>;

/// The type sums are made in: double for floats, wrapping 64-bit integers else.
template <typename T> using Accumulator = std::conditional_t<std::is_floating_point_v<T>, double, std::uint64_t>;

constexpr auto kPlus = [](auto a, auto b) { return a + b; };
constexpr auto kTimes = [](auto a, auto b) { return a * b; };
constexpr auto kAsIs = [](auto total, std::int64_t) { return total; };

/// Sums of add(element), in double for floats.
template <typename Term, typename Finish> void sum_like(const KernelContext& context, Term term, Finish finish) {
    const Plan plan = plan_reduction(context);
    dispatch(Summable{}, context, context.required(0).dtype(), [&]<typename T>() {
        using Acc = Accumulator<T>;
        fold<T>(context, plan, Folding{Acc{}, [&](Acc total, T value) { return total + term(static_cast<Acc>(value)); }, kPlus}, finish);
    });
}

void reduce_sum(const KernelContext& context) {
    sum_like(
        context, [](auto value) { return value; }, kAsIs);
}
void reduce_sum_square(const KernelContext& context) {
    sum_like(
        context, [](auto value) { return value * value; }, kAsIs);
}
void reduce_prod(const KernelContext& context) {
    const Plan plan = plan_reduction(context);
    dispatch(Summable{}, context, context.required(0).dtype(), [&]<typename T>() {
        using Acc = Accumulator<T>;
        fold<T>(context, plan, Folding{Acc{1}, [](Acc total, T value) { return total * static_cast<Acc>(value); }, kTimes}, kAsIs);
    });
}

/// Reductions whose result is a real function of a sum, in double whatever the type.
template <typename Term, typename Finish> void real(const KernelContext& context, Term term, Finish finish) {
    const Plan plan = plan_reduction(context);
    dispatch(Summable{}, context, context.required(0).dtype(), [&]<typename T>() {
        fold<T>(context, plan, Folding{0.0, [&](double total, T value) { return total + term(static_cast<double>(value)); }, kPlus},
                finish);
    });
}
void reduce_mean(const KernelContext& context) {
    real(
        context, [](double value) { return value; },
        [](double total, std::int64_t count) {
            return count > 0 ? total / static_cast<double>(count) : std::numeric_limits<double>::quiet_NaN();
        });
}
void reduce_l1(const KernelContext& context) {
    real(
        context, [](double value) { return std::abs(value); }, kAsIs);
}
void reduce_l2(const KernelContext& context) {
    real(
        context, [](double value) { return value * value; }, [](double total, std::int64_t) { return std::sqrt(total); });
}
void reduce_log_sum(const KernelContext& context) {
    real(
        context, [](double value) { return value; }, [](double total, std::int64_t) { return std::log(total); });
}

/// The running maximum and the sum relative to it, so that nothing overflows.
struct LogSum {
    double top = -std::numeric_limits<double>::infinity(), sum = 0.0;
};

/// The terms of `other` relative to a maximum that is at least as large.
double relative_sum(const LogSum& other, double top) {
    if (other.sum == 0.0) return 0.0;
    return other.top == top ? other.sum : other.sum * std::exp(other.top - top);
}

void reduce_log_sum_exp(const KernelContext& context) {
    const Plan plan = plan_reduction(context);
    const auto merge = [](const LogSum& a, const LogSum& b) {
        const double top = std::isnan(a.top) || std::isnan(b.top) ? a.top + b.top : std::max(a.top, b.top);
        return LogSum{top, relative_sum(a, top) + relative_sum(b, top)};
    };
    dispatch(Floats{}, context, context.required(0).dtype(), [&]<typename T>() {
        const auto add = [&](const LogSum& total, T element) {
            const double value = static_cast<double>(element);
            return merge(total, LogSum{value, value == -std::numeric_limits<double>::infinity() ? 0.0 : 1.0});
        };
        fold<T>(context, plan, Folding{LogSum{}, add, merge},
                [](const LogSum& total, std::int64_t) { return total.top + std::log(total.sum); });
    });
}

/// The first of equals, NaN above all. `lowest` is what every value beats or equals, and the extreme of nothing.
template <typename Better, typename Lowest> void extreme(const KernelContext& context, Better better, Lowest lowest) {
    const Plan plan = plan_reduction(context);
    const Tensor& x = context.required(0);
    dispatch(TypeList<float, double, std::int8_t, std::int32_t, std::int64_t, std::uint8_t, std::uint32_t, std::uint64_t, bool>{}, context,
             x.dtype(), [&]<typename T>() {
                 const auto pick = [&](T best, T value) { return better(value, best) | (value != value) ? value : best; };
                 fold<T>(context, plan, Folding{lowest.template operator()<T>(), pick, pick}, kAsIs);
             });
}
void reduce_max(const KernelContext& context) {
    extreme(
        context, [](auto a, auto b) { return a > b; },
        []<typename T>() -> T {
            if constexpr (std::numeric_limits<T>::has_infinity) return -std::numeric_limits<T>::infinity();
            else return std::numeric_limits<T>::lowest();
        });
}
void reduce_min(const KernelContext& context) {
    extreme(
        context, [](auto a, auto b) { return a < b; },
        []<typename T>() -> T {
            if constexpr (std::numeric_limits<T>::has_infinity) return std::numeric_limits<T>::infinity();
            else return std::numeric_limits<T>::max();
        });
}

/// Where in a contiguous row the best element lies: its value first, in lanes, then its place. What is not comparable (NaN) is never better.
template <typename T, typename Better> std::int64_t best_in_row(const T* from, std::int64_t count, bool takes_last, Better better) {
    const auto pick = [&](T best, T value) { return better(value, best) ? value : best; };
    const T best = fold_row(from, count, Folding{from[0], pick, pick});
    std::int64_t place = 0;
    if (takes_last) {
        for (std::int64_t i = count; i-- > 0 && place == 0;) place = from[i] == best ? i : 0;
    } else {
        while (place < count && !(from[place] == best)) ++place;
        if (place == count) place = 0;
    }
    return place;
}

/// The same for columns side by side, `pitch` elements from row to row.
template <typename T, typename Better>
void best_in_columns(const T* from, std::int64_t rows, std::int64_t pitch, std::int64_t columns, bool takes_last, Better better,
                     std::int64_t* to) {
    T best[kFoldColumns];
    std::int64_t place[kFoldColumns] = {};
    std::copy_n(from, columns, best);
    for (std::int64_t row = 1; row < rows; ++row)
        for (std::int64_t column = 0; column < columns; ++column) {
            const T value = from[row * pitch + column], old = best[column];
            const bool wins = better(value, old) | (takes_last & (value == old));
            best[column] = wins ? value : old;
            place[column] = wins ? row : place[column];
        }
    std::copy_n(place, columns, to);
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
    const std::int64_t blocks = (inner + kFoldColumns - 1) / kFoldColumns, bytes = static_cast<std::int64_t>(x.byte_size());
    dispatch(Numbers{}, context, x.dtype(), [&]<typename T>() {
        for_ranges(outer * blocks, 1, bytes, context.threads, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t block = begin; block < end; ++block) {
                const std::int64_t entry = block / blocks, first = block % blocks * kFoldColumns;
                const T* from = x.data<T>() + entry * extent * inner + first;
                if (inner == 1) to[entry] = best_in_row(from, extent, takes_last, better);
                else
                    best_in_columns(from, extent, inner, std::min(kFoldColumns, inner - first), takes_last, better,
                                    to + entry * inner + first);
            }
        });
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
