// Comparisons, logic and Where.
#include <string_view>
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
    broadcast_binary<std::int64_t, std::int64_t, bool>(KernelContext{context.node, numbered, context.outputs},
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
        loop.run([&](const auto& offset) {
            const bool* choice = condition.data<bool>() + offset[0];
            const T* yes = reinterpret_cast<const T*>(a.bytes()) + offset[1];
            const T* no = reinterpret_cast<const T*>(b.bytes()) + offset[2];
            for (std::int64_t i = 0; i < loop.inner_size(); ++i) *to++ = choice[i * steps[0]] ? yes[i * steps[1]] : no[i * steps[2]];
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
