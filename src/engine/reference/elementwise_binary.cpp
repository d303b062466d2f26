// Arithmetic on two broadcast inputs, and the variadic Max, Min, Sum and Mean.
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "engine/reference/broadcast.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/elementwise.h"

namespace mcompress::reference {

namespace {

/// The type in which integers wrap around without undefined behaviour.
template <typename T> using Wrapping = std::make_unsigned_t<std::conditional_t<(sizeof(T) < sizeof(int)), int, T>>;

template <typename T, typename Op> T wrap(T a, T b, Op op) {
    if constexpr (std::is_integral_v<T>) return static_cast<T>(op(static_cast<Wrapping<T>>(a), static_cast<Wrapping<T>>(b)));
    else return op(a, b);
}

template <typename T> T divide(const KernelContext& context, T a, T b) {
    if constexpr (std::is_integral_v<T>) {
        if (b == 0) context.reject("integer division by zero");
        if constexpr (std::is_signed_v<T>)
            if (b == -1) return wrap(T{0}, a, [](auto x, auto y) { return x - y; });
    }
    return static_cast<T>(a / b);
}

/// NumPy semantics: NaN wins.
template <typename T> T maximum(T a, T b) {
    if constexpr (std::is_floating_point_v<T>)
        if (std::isnan(a) || std::isnan(b)) return a + b;
    return a < b ? b : a;
}
template <typename T> T minimum(T a, T b) {
    if constexpr (std::is_floating_point_v<T>)
        if (std::isnan(a) || std::isnan(b)) return a + b;
    return b < a ? b : a;
}

template <typename Types, typename Op> void arithmetic(const KernelContext& context, Types types, Op op) {
    dispatch(types, context, context.required(0).dtype(), [&]<typename T>() { broadcast_binary<T, T, T>(context, op); });
}

void add(const KernelContext& context) {
    arithmetic(context, Numbers{}, []<typename T>(T a, T b) { return wrap(a, b, [](auto x, auto y) { return x + y; }); });
}
void subtract(const KernelContext& context) {
    arithmetic(context, Numbers{}, []<typename T>(T a, T b) { return wrap(a, b, [](auto x, auto y) { return x - y; }); });
}
void multiply(const KernelContext& context) {
    arithmetic(context, Numbers{}, []<typename T>(T a, T b) { return wrap(a, b, [](auto x, auto y) { return x * y; }); });
}
void divide_all(const KernelContext& context) {
    arithmetic(context, Numbers{}, [&]<typename T>(T a, T b) { return divide(context, a, b); });
}
/// Before opset 7 a slope of rank 1 holds one number a channel (axis 1).
void prelu(const KernelContext& context) {
    std::vector<Tensor> inputs{context.required(0), context.required(1)};
    const Shape &x = inputs[0].shape(), &slope = inputs[1].shape();
    if (context.node.opset_version() < 7 && slope.rank() == 1 && x.rank() > 2 && slope[0] == x[1]) {
        std::vector<std::int64_t> dims(static_cast<std::size_t>(x.rank() - 1), 1);
        dims[0] = slope[0];
        inputs[1] = inputs[1].reshaped(Shape(std::move(dims)));
    }
    arithmetic(context.on(inputs, context.outputs), Numbers{}, []<typename T>(T value, T factor) {
        return value < T{} ? wrap(value, factor, [](auto a, auto b) { return a * b; }) : value;
    });
}
void bitwise_and(const KernelContext& context) {
    arithmetic(context, Integers{}, []<typename T>(T a, T b) { return static_cast<T>(a & b); });
}
void bitwise_or(const KernelContext& context) {
    arithmetic(context, Integers{}, []<typename T>(T a, T b) { return static_cast<T>(a | b); });
}
void bitwise_xor(const KernelContext& context) {
    arithmetic(context, Integers{}, []<typename T>(T a, T b) { return static_cast<T>(a ^ b); });
}

template <typename T> T integer_power(T base, T exponent) {
    if constexpr (std::is_signed_v<T>)
        if (exponent < 0) return base == 1 ? T{1} : base == -1 ? (exponent % 2 ? T(-1) : T{1}) : T{0};
    T result = 1;
    for (; exponent > 0; exponent = static_cast<T>(exponent / 2)) {
        if (exponent % 2) result = wrap(result, base, [](auto x, auto y) { return x * y; });
        base = wrap(base, base, [](auto x, auto y) { return x * y; });
    }
    return result;
}

/// The exponent may have another type than the base; the result has the base's.
void power(const KernelContext& context) {
    const DType base = context.required(0).dtype(), exponent = context.required(1).dtype();
    dispatch(TypeList<float, double, std::int32_t, std::int64_t>{}, context, base, [&]<typename T>() {
        dispatch(TypeList<float, double, std::int32_t, std::int64_t, std::uint32_t, std::uint64_t>{}, context, exponent, [&]<typename E>() {
            broadcast_binary<T, E, T>(context, [](T x, E y) {
                if constexpr (std::is_integral_v<T> && std::is_same_v<T, E>) return integer_power(x, y);
                else if constexpr (std::is_same_v<T, float> && std::is_same_v<E, float>) return y == 2.0f ? x * x : std::pow(x, y);
                else return static_cast<T>(std::pow(static_cast<double>(x), static_cast<double>(y)));
            });
        });
    });
}

/// Python's sign rule for integers unless fmod=1; C's for floats.
void modulo(const KernelContext& context) {
    const bool truncates = attrs<ModAttrs>(context.node).sign == ModAttrs::Sign::OfDividend;
    arithmetic(context, Numbers{}, [&]<typename T>(T a, T b) -> T {
        if constexpr (std::is_floating_point_v<T>) {
            return std::fmod(a, b);
        } else {
            if (b == 0) context.reject("integer division by zero");
            if constexpr (std::is_signed_v<T>) {
                if (b == -1) return 0;
                const T rest = static_cast<T>(a % b);
                return static_cast<T>(!truncates && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest);
            }
            return static_cast<T>(a % b);
        }
    });
}

void shift_bits(const KernelContext& context) {
    const bool left = attrs<BitShiftAttrs>(context.node).direction == BitShiftAttrs::Direction::Left;
    arithmetic(context, TypeList<std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>{}, [&]<typename T>(T a, T b) -> T {
        if (b >= sizeof(T) * 8) return 0;
        return static_cast<T>(left ? static_cast<std::uint64_t>(a) << b : static_cast<std::uint64_t>(a) >> b);
    });
}

/// Folds all inputs from left to right with a broadcast operation.
template <typename Types, typename Op> void fold_inputs(const KernelContext& context, Types types, Op op) {
    Tensor result = context.required(0);
    dispatch(types, context, result.dtype(), [&]<typename T>() {
        for (std::size_t i = 1; i < context.inputs.size(); ++i) {
            const Tensor pair[] = {result, context.required(static_cast<int>(i))};
            std::vector<Tensor> output(1);
            broadcast_binary<T, T, T>(context.on(pair, output), op);
            result = std::move(output[0]);
        }
    });
    context.set_output(0, std::move(result));
}

void max_all(const KernelContext& context) {
    fold_inputs(context, Numbers{}, []<typename T>(T a, T b) { return maximum(a, b); });
}
void min_all(const KernelContext& context) {
    fold_inputs(context, Numbers{}, []<typename T>(T a, T b) { return minimum(a, b); });
}
void sum_all(const KernelContext& context) {
    fold_inputs(context, Floats{}, []<typename T>(T a, T b) { return a + b; });
}
void mean_all(const KernelContext& context) {
    sum_all(context);
    Tensor& sum = context.outputs[0];
    dispatch(Floats{}, context, sum.dtype(), [&]<typename T>() {
        const T count = static_cast<T>(context.inputs.size());
        T* values = sum.mutable_data<T>();
        for (std::int64_t i = 0; i < sum.element_count(); ++i) values[i] /= count;
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Add", widened<add>},
    {"", "BitShift", shift_bits},
    {"", "BitwiseAnd", bitwise_and},
    {"", "BitwiseOr", bitwise_or},
    {"", "BitwiseXor", bitwise_xor},
    {"", "Div", widened<divide_all>},
    {"", "Max", widened<max_all>},
    {"", "Mean", widened<mean_all>},
    {"", "Min", widened<min_all>},
    {"", "Mod", widened<modulo>},
    {"", "Mul", widened<multiply>},
    {"", "PRelu", widened<prelu>},
    {"", "Pow", widened<power>},
    {"", "Sub", widened<subtract>},
    {"", "Sum", widened<sum_all>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> binary_kernels() { return kRows; }

}  // namespace mcompress::reference
