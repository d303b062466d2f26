// Comparisons, logic and Where.
#include <algorithm>
#include <array>
#include <string_view>
#include <type_traits>
#include <unordered_map>

#include "engine/reference/broadcast.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"

namespace mcompress::reference {

namespace {

using Comparable = TypeList<float, double, std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t,
                            std::uint32_t, std::uint64_t, bool>;

template <typename Types, typename Op> void compare(const KernelContext& context, Types types, Op op) {
    dispatch(types, context, context.required(0).dtype(), [&]<typename T>() { broadcast_binary<T, T, bool>(context, op); });
}

/// Strings are compared through numbers that are equal exactly when the strings are.
void equal_strings(const KernelContext& context) {
    std::unordered_map<std::string_view, std::int64_t> seen;
    std::vector<Tensor> numbered;
    for (const int index : {0, 1}) {
        std::vector<std::int64_t> numbers;
        for (const std::string& text : context.required(index).strings())
            numbers.push_back(seen.emplace(text, static_cast<std::int64_t>(seen.size())).first->second);
        numbered.push_back(Tensor::from_values(context.input(index).shape(), numbers));
    }
    broadcast_binary<std::int64_t, std::int64_t, bool>(context.on(numbered, context.outputs),
                                                       [](std::int64_t a, std::int64_t b) { return a == b; });
}

void equal(const KernelContext& context) {
    if (context.required(0).dtype() == DType::String && context.required(1).dtype() == DType::String) return equal_strings(context);
    compare(context, Comparable{}, [](auto a, auto b) { return a == b; });
}
void less(const KernelContext& context) {
    compare(context, Numbers{}, [](auto a, auto b) { return a < b; });
}
void less_or_equal(const KernelContext& context) {
    compare(context, Numbers{}, [](auto a, auto b) { return a <= b; });
}
void greater(const KernelContext& context) {
    compare(context, Numbers{}, [](auto a, auto b) { return a > b; });
}
void greater_or_equal(const KernelContext& context) {
    compare(context, Numbers{}, [](auto a, auto b) { return a >= b; });
}

using Logical = TypeList<bool>;
void logical_and(const KernelContext& context) {
    compare(context, Logical{}, [](bool a, bool b) { return a && b; });
}
void logical_or(const KernelContext& context) {
    compare(context, Logical{}, [](bool a, bool b) { return a || b; });
}
void logical_xor(const KernelContext& context) {
    compare(context, Logical{}, [](bool a, bool b) { return a != b; });
}

/// Both elements are read whatever the choice: no branch to mispredict, and a loop the compiler vectorizes where the steps are 1.
template <typename T>
void choose(T* to, const bool* choice, const T* yes, const T* no, const std::array<std::int64_t, 3>& steps, std::int64_t count) {
    const auto loop = [&](auto choice_step, auto yes_step, auto no_step) {
        for (std::int64_t i = 0; i < count; ++i) {
            const T a = yes[i * yes_step], b = no[i * no_step];
            to[i] = choice[i * choice_step] ? a : b;
        }
    };
    constexpr std::integral_constant<std::int64_t, 0> fixed{};
    constexpr std::integral_constant<std::int64_t, 1> next{};
    if (steps[0] == 0 && (*choice ? steps[1] : steps[2]) == 1) {
        std::copy_n(*choice ? yes : no, count, to);
        return;
    }
    if (steps[0] == 1 && steps[1] == 1 && steps[2] == 1) loop(next, next, next);
    else if (steps[0] == 1 && steps[1] == 0 && steps[2] == 1) loop(next, fixed, next);
    else if (steps[0] == 1 && steps[1] == 1 && steps[2] == 0) loop(next, next, fixed);
    else if (steps[0] == 1 && steps[1] == 0 && steps[2] == 0) loop(next, fixed, fixed);
    else loop(steps[0], steps[1], steps[2]);
}

void where(const KernelContext& context) {
    const Tensor &condition = context.required(0), &a = context.required(1), &b = context.required(2);
    if (condition.dtype() != DType::Bool || a.dtype() != b.dtype()) context.reject("expected a bool tensor and two tensors of one type");
    const Shape shape = broadcast_shape(context, condition.shape(), broadcast_shape(context, a.shape(), b.shape()));
    Tensor& y = context.make_output(0, a.dtype(), shape);
    const StridedLoop<3> loop(
        shape, {broadcast_strides(condition.shape(), shape), broadcast_strides(a.shape(), shape), broadcast_strides(b.shape(), shape)});
    const auto steps = loop.inner_steps();
    dispatch_size(context, a.dtype(), [&]<typename T>() {
        T* to = reinterpret_cast<T*>(y.mutable_bytes());
        const std::int64_t elements = shape.element_count();
        for_ranges(elements, 64, elements * static_cast<std::int64_t>(3 * sizeof(T) + 1), context.threads,
                   [&](std::int64_t begin, std::int64_t end) {
                       loop.run(begin, end, [&](const auto& offset, std::int64_t position, std::int64_t count) {
                           choose(to + position, condition.data<bool>() + offset[0], reinterpret_cast<const T*>(a.bytes()) + offset[1],
                                  reinterpret_cast<const T*>(b.bytes()) + offset[2], steps, count);
                       });
                   });
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "And", logical_and},
    {"", "Equal", widened<equal>},
    {"", "Greater", widened<greater>},
    {"", "GreaterOrEqual", widened<greater_or_equal>},
    {"", "Less", widened<less>},
    {"", "LessOrEqual", widened<less_or_equal>},
    {"", "Or", logical_or},
    {"", "Where", moving<where>},
    {"", "Xor", logical_xor},
};
// clang-format on

}  // namespace

std::span<const KernelRow> compare_kernels() { return kRows; }

}  // namespace mcompress::reference
