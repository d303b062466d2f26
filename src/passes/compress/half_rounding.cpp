#include "passes/compress/half_rounding.h"

#include <algorithm>
#include <cmath>

#include "tensor/float16.h"

namespace mcompress {

namespace {

float widen(float value) { return value; }
float widen(Float16 value) { return to_float(value); }
float widen(BFloat16 value) { return to_float(value); }

template <typename To> To narrow(float value);
template <> float narrow<float>(float value) { return value; }
template <> Float16 narrow<Float16>(float value) { return to_float16(value); }
template <> BFloat16 narrow<BFloat16>(float value) { return to_bfloat16(value); }

template <typename To> To saturated(float value) {
    const To rounded = narrow<To>(value);
    if constexpr (!std::is_same_v<To, float>) {
        if (std::isfinite(value) && !std::isfinite(widen(rounded)))
            return narrow<To>(std::copysign(static_cast<float>(largest_half(dtype_of<To>)), value));
    }
    return rounded;
}

template <typename From, typename To> Tensor convert(const Tensor& tensor) {
    Tensor result = Tensor::uninitialized(dtype_of<To>, tensor.shape());
    const From* from = tensor.data<From>();
    To* to = result.mutable_data<To>();
    for (std::int64_t i = 0; i < tensor.element_count(); ++i) to[i] = saturated<To>(widen(from[i]));
    return result;
}

template <typename From> Tensor convert_from(const Tensor& tensor, DType to) {
    if (to == DType::Float16) return convert<From, Float16>(tensor);
    return to == DType::BFloat16 ? convert<From, BFloat16>(tensor) : convert<From, float>(tensor);
}

template <typename Half> RoundingCounts count(std::span<const float> values) {
    const float normal = static_cast<float>(smallest_normal_half(dtype_of<Half>));
    RoundingCounts counts;
    counts.elements = static_cast<std::int64_t>(values.size());
    for (const float value : values) {
        if (value == 0.0F || !std::isfinite(value)) continue;
        const float rounded = std::fabs(widen(narrow<Half>(value)));
        ++counts.nonzero;
        counts.largest = std::max(counts.largest, static_cast<double>(std::fabs(value)));
        if (std::isinf(rounded)) {
            ++counts.overflow;
            continue;
        }
        const double error = static_cast<double>(rounded) - static_cast<double>(std::fabs(value));
        counts.signal += static_cast<double>(value) * static_cast<double>(value);
        counts.noise += error * error;
        if (rounded == 0.0F) ++counts.flushed;
        else if (rounded < normal) ++counts.subnormal;
    }
    return counts;
}

}  // namespace

double largest_half(DType half) { return half == DType::BFloat16 ? 0x1.FEp127 : 65504.0; }
double smallest_normal_half(DType half) { return half == DType::BFloat16 ? 0x1p-126 : 0x1p-14; }

RoundingCounts count_rounding(const Tensor& tensor, DType half) {
    return half == DType::BFloat16 ? count<BFloat16>(tensor.values<float>()) : count<Float16>(tensor.values<float>());
}

Tensor convert_floats(const Tensor& tensor, DType to) {
    if (tensor.dtype() == to) return tensor;
    if (tensor.dtype() == DType::Float16) return convert_from<Float16>(tensor, to);
    return tensor.dtype() == DType::BFloat16 ? convert_from<BFloat16>(tensor, to) : convert_from<float>(tensor, to);
}

}  // namespace mcompress
