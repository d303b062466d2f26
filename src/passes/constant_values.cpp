#include "passes/constant_values.h"

#include <algorithm>
#include <cmath>

#include "support/check.h"
#include "tensor/float16.h"

namespace mcompress {

namespace {

template <typename T> double as_double(T value) {
    if constexpr (requires { to_float(value); }) return static_cast<double>(to_float(value));
    else return static_cast<double>(value);
}

template <typename T> bool is_filled(const Tensor& tensor, double wanted) {
    const auto values = tensor.values<T>();
    return std::all_of(values.begin(), values.end(), [&](T value) { return as_double(value) == wanted; });
}

template <typename T> std::vector<double> widened(const Tensor& tensor) {
    std::vector<double> result;
    result.reserve(static_cast<std::size_t>(tensor.element_count()));
    for (const T value : tensor.values<T>()) result.push_back(as_double(value));
    return result;
}

template <typename T> T rounded_to(double value) {
    if constexpr (std::is_same_v<T, Float16>) return to_float16(static_cast<float>(value));
    else if constexpr (std::is_same_v<T, BFloat16>) return to_bfloat16(static_cast<float>(value));
    else return static_cast<T>(value);
}

/// Calls action with a value of the C++ type that stores elements of a float type.
template <typename Action> auto with_float_type(DType dtype, Action&& action) {
    switch (dtype) {
        case DType::Float16: return action(Float16{});
        case DType::BFloat16: return action(BFloat16{});
        case DType::Float64: return action(double{});
        default: MCOMPRESS_CHECK(dtype == DType::Float32); return action(float{});
    }
}

}  // namespace

bool is_filled_with(const Tensor& tensor, double value) {
    switch (tensor.dtype()) {
        case DType::Float32: return is_filled<float>(tensor, value);
        case DType::Float64: return is_filled<double>(tensor, value);
        case DType::Float16: return is_filled<Float16>(tensor, value);
        case DType::BFloat16: return is_filled<BFloat16>(tensor, value);
        case DType::Int64: return is_filled<std::int64_t>(tensor, value);
        case DType::Int32: return is_filled<std::int32_t>(tensor, value);
        case DType::Int16: return is_filled<std::int16_t>(tensor, value);
        case DType::Int8: return is_filled<std::int8_t>(tensor, value);
        case DType::UInt64: return is_filled<std::uint64_t>(tensor, value);
        case DType::UInt32: return is_filled<std::uint32_t>(tensor, value);
        case DType::UInt16: return is_filled<std::uint16_t>(tensor, value);
        case DType::UInt8: return is_filled<std::uint8_t>(tensor, value);
        default: return false;
    }
}

bool is_float_to_compute_with(DType dtype) {
    return dtype == DType::Float32 || dtype == DType::Float64 || dtype == DType::Float16 || dtype == DType::BFloat16;
}

std::optional<std::vector<double>> doubles_of(const Tensor& tensor) {
    if (!is_float_to_compute_with(tensor.dtype())) return std::nullopt;
    return with_float_type(tensor.dtype(), [&](auto type) { return widened<decltype(type)>(tensor); });
}

Tensor tensor_of_doubles(DType dtype, const Shape& shape, std::span<const double> values) {
    Tensor tensor = Tensor::uninitialized(dtype, shape);
    MCOMPRESS_CHECK(tensor.element_count() == static_cast<std::int64_t>(values.size()));
    with_float_type(dtype, [&](auto type) {
        using T = decltype(type);
        std::transform(values.begin(), values.end(), tensor.mutable_data<T>(), rounded_to<T>);
    });
    return tensor;
}

bool is_finite_as(DType dtype, std::span<const double> values) {
    return with_float_type(dtype, [&](auto type) {
        using T = decltype(type);
        return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(as_double(rounded_to<T>(value))); });
    });
}

}  // namespace mcompress
