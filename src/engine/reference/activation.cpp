// Activation functions: one float in, one float out, with parameters.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "engine/reference/broadcast.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/elementwise.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

template <typename Types, typename Op> void map(const KernelContext& context, Types types, Op op) {
    dispatch(types, context, context.required(0).dtype(), [&]<typename T>() { map_elements<T, T>(context, op); });
}

void relu(const KernelContext& context) {
    map(context, Signed{}, []<typename T>(T x) { return x < T{} ? T{} : x; });
}

/// A bound of Clip: an input, an attribute, or none.
template <typename T> T bound(const KernelContext& context, const ScalarSource& source, T fallback) {
    if (source.input >= 0) {
        const Tensor& tensor = context.input(source.input);
        if (!tensor.defined()) return fallback;
        if (tensor.dtype() != dtype_of<T> || tensor.element_count() != 1) context.reject("a bound must be a scalar of the input's type");
        return tensor.data<T>()[0];
    }
    if (!source.value) return fallback;
    const double wanted = *source.value;
    if (wanted <= static_cast<double>(std::numeric_limits<T>::lowest())) return std::numeric_limits<T>::lowest();
    if (wanted >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
    return static_cast<T>(wanted);
}

void clip(const KernelContext& context) {
    const auto a = attrs<ClipAttrs>(context.node);
    dispatch(Numbers{}, context, context.required(0).dtype(), [&]<typename T>() {
        using Limits = std::numeric_limits<T>;
        const T low = bound<T>(context, a.min, Limits::has_infinity ? -Limits::infinity() : Limits::lowest());
        const T high = bound<T>(context, a.max, Limits::has_infinity ? Limits::infinity() : Limits::max());
        map(context, TypeList<T>{}, [=](T x) { return high < low || x > high ? high : x < low ? low : x; });
    });
}

template <typename T> T logistic(T x) {
    if (x >= T{0}) return T{1} / (T{1} + std::exp(-x));
    const T e = std::exp(x);
    return e / (T{1} + e);
}

/// log(1 + e^x) without overflow.
template <typename T> T softplus_of(T x) { return std::max(x, T{0}) + std::log1p(std::exp(-std::abs(x))); }

void sigmoid(const KernelContext& context) {
    map(context, Floats{}, [](auto x) { return logistic(x); });
}
void softplus(const KernelContext& context) {
    map(context, Floats{}, [](auto x) { return softplus_of(x); });
}
void softsign(const KernelContext& context) {
    map(context, Floats{}, []<typename T>(T x) { return x / (T{1} + std::abs(x)); });
}
void mish(const KernelContext& context) {
    map(context, Floats{}, [](auto x) { return x * std::tanh(softplus_of(x)); });
}
void hard_swish(const KernelContext& context) {
    map(context, Floats{}, []<typename T>(T x) { return x * std::clamp(x / T{6} + T{0.5}, T{0}, T{1}); });
}

void leaky_relu(const KernelContext& context) {
    const float alpha = attrs<LeakyReluAttrs>(context.node).alpha;
    map(context, Floats{}, [=]<typename T>(T x) { return x < T{0} ? static_cast<T>(alpha) * x : x; });
}
void elu(const KernelContext& context) {
    const float alpha = attrs<EluAttrs>(context.node).alpha;
    map(context, Floats{}, [=]<typename T>(T x) { return x < T{0} ? static_cast<T>(alpha) * std::expm1(x) : x; });
}
void celu(const KernelContext& context) {
    const float alpha = attrs<CeluAttrs>(context.node).alpha;
    map(context, Floats{}, [=]<typename T>(T x) {
        const T a = static_cast<T>(alpha);
        return std::max(T{0}, x) + std::min(T{0}, a * std::expm1(x / a));
    });
}
void selu(const KernelContext& context) {
    const auto a = attrs<SeluAttrs>(context.node);
    map(context, Floats{}, [=]<typename T>(T x) {
        const T alpha = static_cast<T>(a.alpha), gamma = static_cast<T>(a.gamma);
        return gamma * (x > T{0} ? x : alpha * std::expm1(x));
    });
}
void hard_sigmoid(const KernelContext& context) {
    const auto a = attrs<HardSigmoidAttrs>(context.node);
    map(context, Floats{}, [=]<typename T>(T x) { return std::clamp(static_cast<T>(a.alpha) * x + static_cast<T>(a.beta), T{0}, T{1}); });
}
void thresholded_relu(const KernelContext& context) {
    const float alpha = attrs<ThresholdedReluAttrs>(context.node).alpha;
    map(context, Floats{}, [=]<typename T>(T x) { return x > static_cast<T>(alpha) ? x : T{0}; });
}
void shrink(const KernelContext& context) {
    const auto a = attrs<ShrinkAttrs>(context.node);
    map(context, Numbers{}, [=]<typename T>(T given) {
        const double x = static_cast<double>(given), threshold = static_cast<double>(a.lambd), bias = static_cast<double>(a.bias);
        return x < -threshold ? x + bias : x > threshold ? x - bias : 0.0;
    });
}
/// x·Φ(x), or its tanh approximation 0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))).
void gelu(const KernelContext& context) {
    const bool approximates = attrs<GeluAttrs>(context.node).approximation == GeluAttrs::Approximation::Tanh;
    map(context, Floats{}, [=]<typename T>(T x) {
        constexpr T kRootOfTwoOverPi = std::numbers::sqrt2_v<T> * std::numbers::inv_sqrtpi_v<T>;
        if (approximates) return T{0.5} * x * (T{1} + std::tanh(kRootOfTwoOverPi * (x + static_cast<T>(0.044715) * x * x * x)));
        return T{0.5} * x * (T{1} + std::erf(x / std::numbers::sqrt2_v<T>));
    });
}
void swish(const KernelContext& context) {
    const float alpha = attrs<SwishAttrs>(context.node).alpha;
    map(context, Floats{}, [=]<typename T>(T x) { return x * logistic(static_cast<T>(alpha) * x); });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Celu", widened<celu>},
    {"", "Clip", widened<clip>},
    {"", "Elu", widened<elu>},
    {"", "Gelu", widened<gelu>},
    {"", "HardSigmoid", widened<hard_sigmoid>},
    {"", "HardSwish", widened<hard_swish>},
    {"", "LeakyRelu", widened<leaky_relu>},
    {"", "Mish", widened<mish>},
    {"", "Relu", widened<relu>},
    {"", "Selu", widened<selu>},
    {"", "Shrink", widened<shrink>},
    {"", "Sigmoid", widened<sigmoid>},
    {"", "Softplus", widened<softplus>},
    {"", "Softsign", widened<softsign>},
    {"", "Swish", widened<swish>},
    {"", "ThresholdedRelu", widened<thresholded_relu>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> activation_kernels() { return kRows; }

}  // namespace mcompress::reference
