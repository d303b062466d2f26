// Operators with one input and one output element a place.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "engine/reference/broadcast.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/elementwise.h"
#include "tensor/compare.h"

namespace mcompress::reference {

namespace {

/// Applies `op`, a generic callable, to elements of the listed types.
template <typename Types, typename Op> void map(const KernelContext& context, Types types, Op op) {
    dispatch(types, context, context.required(0).dtype(), [&]<typename T>() { map_elements<T, T>(context, op); });
}

template <typename Types, typename Op> void test(const KernelContext& context, Types types, Op op) {
    dispatch(types, context, context.required(0).dtype(), [&]<typename T>() { map_elements<T, bool>(context, op); });
}

void abs(const KernelContext& context) {
    map(context, Numbers{}, []<typename T>(T x) {
        if constexpr (std::is_unsigned_v<T>) return x;
        else if constexpr (std::is_integral_v<T>)
            return x < 0 ? static_cast<T>(std::make_unsigned_t<T>{} - static_cast<std::make_unsigned_t<T>>(x)) : x;
        else return std::abs(x);
    });
}
void negate(const KernelContext& context) {
    map(context, Signed{}, []<typename T>(T x) {
        if constexpr (std::is_integral_v<T>) return static_cast<T>(std::make_unsigned_t<T>{} - static_cast<std::make_unsigned_t<T>>(x));
        else return -x;
    });
}
void sign(const KernelContext& context) {
    map(context, Numbers{}, []<typename T>(T x) { return static_cast<T>((x > T{} ? 1 : 0) - (x < T{} ? 1 : 0)); });
}
void bitwise_not(const KernelContext& context) {
    map(context, Integers{}, []<typename T>(T x) { return static_cast<T>(~x); });
}
void logical_not(const KernelContext& context) {
    test(context, TypeList<bool>{}, [](bool x) { return !x; });
}

/// Types of 8 bits and fewer are compared as float32.
KernelContext with_wide_input(const KernelContext& context, std::vector<Tensor>& wide) {
    wide = {context.required(0)};
    if (dtype_bits(wide[0].dtype()) <= 8 && is_float(wide[0].dtype())) wide[0] = Tensor::from_values(wide[0].shape(), to_floats(wide[0]));
    return {context.node, wide, context.outputs, context.threads, context.largest_output_bytes};
}

void is_nan(const KernelContext& narrow) {
    std::vector<Tensor> wide;
    const KernelContext context = with_wide_input(narrow, wide);
    test(context, Floats{}, [](auto x) { return std::isnan(x); });
}
void is_inf(const KernelContext& narrow) {
    std::vector<Tensor> wide;
    const KernelContext context = with_wide_input(narrow, wide);
    const auto a = attrs<IsInfAttrs>(context.node);
    test(context, Floats{}, [&](auto x) { return std::isinf(x) && (x > 0 ? a.detects_positive : a.detects_negative); });
}

void floor(const KernelContext& context) {
    map(context, Floats{}, [](auto x) { return std::floor(x); });
}
void ceil(const KernelContext& context) {
    map(context, Floats{}, [](auto x) { return std::ceil(x); });
}
/// Halves go to the even neighbour: the default rounding mode.
void round(const KernelContext& context) {
    map(context, Floats{}, [](auto x) { return std::nearbyint(x); });
}
void sqrt(const KernelContext& context) {
    map(context, Floats{}, [](auto x) { return std::sqrt(x); });
}
void exp(const KernelContext& context) {
    map(context, Floats{}, [](auto x) { return std::exp(x); });
}
void log(const KernelContext& context) {
    map(context, Floats{}, [](auto x) { return std::log(x); });
}
void sin(const KernelContext& context) {
    map(context, Floats{}, [](auto x) { return std::sin(x); });
}
void cos(const KernelContext& context) {
    map(context, Floats{}, [](auto x) { return std::cos(x); });
}
void tan(const KernelContext& context) {
    map(context, Floats{}, [](auto x) { return std::tan(x); });
}
void asin(const KernelContext& context) {
    map(context, Floats{}, [](auto x) { return std::asin(x); });
}
void acos(const KernelContext& context) {
    map(context, Floats{}, [](auto x) { return std::acos(x); });
}
void atan(const KernelContext& context) {
    map(context, Floats{}, [](auto x) { return std::atan(x); });
}
void sinh(const KernelContext& context) {
    map(context, Floats{}, [](auto x) { return std::sinh(x); });
}
void cosh(const KernelContext& context) {
    map(context, Floats{}, [](auto x) { return std::cosh(x); });
}
void tanh(const KernelContext& context) {
    map(context, Floats{}, [](auto x) { return std::tanh(x); });
}
void asinh(const KernelContext& context) {
    map(context, Floats{}, [](auto x) { return std::asinh(x); });
}
void acosh(const KernelContext& context) {
    map(context, Floats{}, [](auto x) { return std::acosh(x); });
}
void atanh(const KernelContext& context) {
    map(context, Floats{}, [](auto x) { return std::atanh(x); });
}
void erf(const KernelContext& context) {
    map(context, Floats{}, [](auto x) { return std::erf(x); });
}
void reciprocal(const KernelContext& context) {
    map(context, Floats{}, []<typename T>(T x) { return T{1} / x; });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Abs", widened<abs>},
    {"", "Acos", widened<acos>},
    {"", "Acosh", widened<acosh>},
    {"", "Asin", widened<asin>},
    {"", "Asinh", widened<asinh>},
    {"", "Atan", widened<atan>},
    {"", "Atanh", widened<atanh>},
    {"", "BitwiseNot", bitwise_not},
    {"", "Ceil", widened<ceil>},
    {"", "Cos", widened<cos>},
    {"", "Cosh", widened<cosh>},
    {"", "Erf", widened<erf>},
    {"", "Exp", widened<exp>},
    {"", "Floor", widened<floor>},
    {"", "IsInf", widened<is_inf>},
    {"", "IsNaN", widened<is_nan>},
    {"", "Log", widened<log>},
    {"", "Neg", widened<negate>},
    {"", "Not", logical_not},
    {"", "Reciprocal", widened<reciprocal>},
    {"", "Round", widened<round>},
    {"", "Sign", widened<sign>},
    {"", "Sin", widened<sin>},
    {"", "Sinh", widened<sinh>},
    {"", "Sqrt", widened<sqrt>},
    {"", "Tan", widened<tan>},
    {"", "Tanh", widened<tanh>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> unary_kernels() { return kRows; }

}  // namespace mcompress::reference
