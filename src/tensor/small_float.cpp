#include "tensor/small_float.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/check.h"

namespace mcompress {

namespace {

/// Which codes are no finite numbers: those of IEEE 754, only all ones, only minus zero, none.
enum class Specials { Ieee, AllOnes, MinusZero, None };

struct Format {
    DType dtype;
    int exponent_bits, mantissa_bits, bias;
    Specials specials;

    int sign_bit() const { return 1 << (exponent_bits + mantissa_bits); }
    int largest() const {  // the code of the largest finite number
        if (specials == Specials::Ieee) return sign_bit() - (1 << mantissa_bits) - 1;
        return sign_bit() - (specials == Specials::AllOnes ? 2 : 1);
    }
    int nan() const { return specials == Specials::MinusZero || specials == Specials::None ? sign_bit() : sign_bit() - 1; }
};

// clang-format off
constexpr Format kFormats[] = {
    {DType::Float8E4M3FN,   4, 3, 7,  Specials::AllOnes},
    {DType::Float8E4M3FNUZ, 4, 3, 8,  Specials::MinusZero},
    {DType::Float8E5M2,     5, 2, 15, Specials::Ieee},
    {DType::Float8E5M2FNUZ, 5, 2, 16, Specials::MinusZero},
    {DType::Float4E2M1,     2, 1, 1,  Specials::None},
};
// clang-format on

constexpr int kPowerBias = 127, kLargestPower = 254, kPowerNan = 255;  // Float8E8M0

const Format& format_of(DType dtype) {
    const auto* found = std::find_if(std::begin(kFormats), std::end(kFormats), [&](const Format& each) { return each.dtype == dtype; });
    MCOMPRESS_CHECK(found != std::end(kFormats));
    return *found;
}

int encode_power(double value, FloatOverflow overflow, PowerRounding rounding) {
    const bool saturates = overflow == FloatOverflow::Saturates;
    if (std::isnan(value)) return kPowerNan;
    if (value <= 0.0) return saturates ? 0 : kPowerNan;
    if (std::isinf(value)) return saturates ? kLargestPower : kPowerNan;
    int exponent = 0;
    const double fraction = std::frexp(value, &exponent);  // in [0.5, 1)
    const bool goes_up = rounding == PowerRounding::Up ? fraction > 0.5 : rounding == PowerRounding::Nearest && fraction >= 0.75;
    const int code = exponent - 1 + (goes_up ? 1 : 0) + kPowerBias;
    if (code < 0) return saturates ? 0 : kPowerNan;
    if (code > kLargestPower) return saturates ? kLargestPower : kPowerNan;
    return code;
}

}  // namespace

bool is_small_float(DType dtype) { return is_float(dtype) && dtype_bits(dtype) <= 8; }

float decode_small_float(DType dtype, std::uint8_t code) {
    constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
    if (dtype == DType::Float8E8M0) return code == kPowerNan ? kNan : std::ldexp(1.0F, code - kPowerBias);
    const Format& f = format_of(dtype);
    const int magnitude = code & (f.sign_bit() - 1), exponent = magnitude >> f.mantissa_bits,
              mantissa = magnitude & ((1 << f.mantissa_bits) - 1);
    const float sign = code & f.sign_bit() ? -1.0F : 1.0F;
    if (f.specials == Specials::MinusZero && code == f.sign_bit()) return kNan;
    if (magnitude > f.largest()) {
        if (f.specials == Specials::Ieee && mantissa == 0) return sign * std::numeric_limits<float>::infinity();
        return std::copysign(kNan, sign);
    }
    if (exponent == 0) return sign * std::ldexp(static_cast<float>(mantissa), 1 - f.bias - f.mantissa_bits);
    return sign * std::ldexp(static_cast<float>(mantissa + (1 << f.mantissa_bits)), exponent - f.bias - f.mantissa_bits);
}

std::uint8_t encode_small_float(DType dtype, double value, FloatOverflow overflow, PowerRounding rounding) {
    if (dtype == DType::Float8E8M0) return static_cast<std::uint8_t>(encode_power(value, overflow, rounding));
    const Format& f = format_of(dtype);
    const int sign = std::signbit(value) && f.specials != Specials::MinusZero ? f.sign_bit() : 0;
    if (std::isnan(value)) return static_cast<std::uint8_t>(f.nan() | sign);
    const int negative = std::signbit(value) ? f.sign_bit() : 0;
    const double size = std::abs(value);
    int code = f.largest() + 1;
    if (std::isfinite(size)) {
        int exponent = 0;
        std::frexp(size, &exponent);
        // Of the leading bit; below the least place, as is zero, numbers are subnormal.
        const int place = size > 0.0 ? std::clamp(exponent - 1, 1 - f.bias, f.bias + 2) : 1 - f.bias;
        const double units = std::nearbyint(std::ldexp(size, f.mantissa_bits - place));
        // Counted in codes, which run on from one exponent to the next; a number far beyond the largest would not fit an int.
        code = static_cast<int>(std::min(units, 1e6)) + ((place - (1 - f.bias)) << f.mantissa_bits);
    }
    if (code == 0) return static_cast<std::uint8_t>(sign);
    if (code <= f.largest()) return static_cast<std::uint8_t>(code | negative);
    if (overflow == FloatOverflow::Saturates || f.specials == Specials::None) return static_cast<std::uint8_t>(f.largest() | negative);
    if (f.specials == Specials::Ieee) return static_cast<std::uint8_t>((f.largest() + 1) | negative);
    return static_cast<std::uint8_t>(f.nan() | sign);
}

}  // namespace mcompress
