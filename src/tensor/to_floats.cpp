#include <array>
#include <cmath>
#include <limits>

#include "support/error.h"
#include "tensor/compare.h"
#include "tensor/float16.h"

namespace mcompress {

namespace {

template <typename T> std::vector<float> widen(const Tensor& tensor) {
    std::vector<float> result;
    result.reserve(static_cast<std::size_t>(tensor.element_count()));
    for (const T value : tensor.values<T>()) {
        if constexpr (requires { to_float(value); }) result.push_back(to_float(value));
        else result.push_back(static_cast<float>(value));
    }
    return result;
}

std::vector<float> widen_bool(const Tensor& tensor) {
    std::vector<float> result;
    for (const std::uint8_t value : tensor.values<std::uint8_t>()) result.push_back(value != 0 ? 1.0f : 0.0f);
    return result;
}

/// What the highest codes of a small float mean.
enum class Specials { None, Ieee, TopIsNan, NegativeZeroIsNan };

struct SmallFloat {
    DType dtype;
    int exponent_bits;
    int mantissa_bits;
    int bias;
    Specials specials;
};

// ONNX docs "Float stored in 8 bits" and "Float stored in 4 bits"
constexpr std::array<SmallFloat, 5> kSmallFloats{{
    {DType::Float8E4M3FN, 4, 3, 7, Specials::TopIsNan},
    {DType::Float8E4M3FNUZ, 4, 3, 8, Specials::NegativeZeroIsNan},
    {DType::Float8E5M2, 5, 2, 15, Specials::Ieee},
    {DType::Float8E5M2FNUZ, 5, 2, 16, Specials::NegativeZeroIsNan},
    {DType::Float4E2M1, 2, 1, 1, Specials::None},
}};

float decode(const SmallFloat& row, unsigned code) {
    const unsigned mantissa_mask = (1u << row.mantissa_bits) - 1;
    const unsigned exponent_mask = (1u << row.exponent_bits) - 1;
    const unsigned mantissa = code & mantissa_mask;
    const unsigned exponent = (code >> row.mantissa_bits) & exponent_mask;
    const bool is_negative = ((code >> (row.mantissa_bits + row.exponent_bits)) & 1u) != 0;
    constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
    float magnitude = 0.0f;
    if (row.specials == Specials::NegativeZeroIsNan && is_negative && exponent == 0 && mantissa == 0) return kNan;
    if (row.specials == Specials::TopIsNan && exponent == exponent_mask && mantissa == mantissa_mask) return kNan;
    if (row.specials == Specials::Ieee && exponent == exponent_mask) {
        if (mantissa != 0) return kNan;
        magnitude = std::numeric_limits<float>::infinity();
    } else {
        const unsigned significand = exponent == 0 ? mantissa : mantissa + mantissa_mask + 1;
        const int power = (exponent == 0 ? 1 : static_cast<int>(exponent)) - row.bias - row.mantissa_bits;
        magnitude = std::ldexp(static_cast<float>(significand), power);
    }
    return is_negative ? -magnitude : magnitude;
}

float decode(DType dtype, unsigned code) {
    for (const SmallFloat& row : kSmallFloats)
        if (row.dtype == dtype) return decode(row, code);
    if (dtype == DType::Float8E8M0)
        return code == 0xFFu ? std::numeric_limits<float>::quiet_NaN() : std::ldexp(1.0f, static_cast<int>(code) - 127);
    const int bits = dtype_bits(dtype);
    const int value = static_cast<int>(code);
    return static_cast<float>(is_signed_integer(dtype) && value >> (bits - 1) ? value - (1 << bits) : value);
}

/// Types of 8 bits and less, by their codes.
std::vector<float> widen_codes(const Tensor& tensor) {
    const auto bits = static_cast<std::size_t>(dtype_bits(tensor.dtype()));
    std::vector<float> result(static_cast<std::size_t>(tensor.element_count()));
    for (std::size_t at = 0; at < result.size(); ++at) {
        const unsigned byte = std::to_integer<unsigned>(tensor.bytes()[at * bits / 8]);
        result[at] = decode(tensor.dtype(), (byte >> (at * bits % 8)) & ((1u << bits) - 1));
    }
    return result;
}

struct Widening {
    DType dtype;
    std::vector<float> (*widen)(const Tensor&);
};

constexpr std::array<Widening, 23> kWidenings{{
    {DType::Float32, widen<float>},
    {DType::Float64, widen<double>},
    {DType::Float16, widen<Float16>},
    {DType::BFloat16, widen<BFloat16>},
    {DType::UInt8, widen<std::uint8_t>},
    {DType::Int8, widen<std::int8_t>},
    {DType::UInt16, widen<std::uint16_t>},
    {DType::Int16, widen<std::int16_t>},
    {DType::UInt32, widen<std::uint32_t>},
    {DType::Int32, widen<std::int32_t>},
    {DType::UInt64, widen<std::uint64_t>},
    {DType::Int64, widen<std::int64_t>},
    {DType::Bool, widen_bool},
    {DType::Float8E4M3FN, widen_codes},
    {DType::Float8E4M3FNUZ, widen_codes},
    {DType::Float8E5M2, widen_codes},
    {DType::Float8E5M2FNUZ, widen_codes},
    {DType::Float8E8M0, widen_codes},
    {DType::Float4E2M1, widen_codes},
    {DType::UInt4, widen_codes},
    {DType::Int4, widen_codes},
    {DType::UInt2, widen_codes},
    {DType::Int2, widen_codes},
}};

}  // namespace

std::vector<float> to_floats(const Tensor& tensor) {
    for (const Widening& row : kWidenings)
        if (row.dtype == tensor.dtype()) return row.widen(tensor);
    fail(codes::kTensorInvalid, "a tensor of {} has no numbers to compare", dtype_name(tensor.dtype()));
}

}  // namespace mcompress
