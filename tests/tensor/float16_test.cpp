#include "tensor/float16.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "catch.h"

using namespace mcompress;

namespace {

/// The value of a half by its definition.
double half_value(std::uint16_t bits) {
    const int exponent = (bits >> 10) & 0x1F;
    const int mantissa = bits & 0x3FF;
    const double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(mantissa + 1024, exponent - 25);
    return bits & 0x8000 ? -magnitude : magnitude;
}

bool is_nan_half(std::uint16_t bits) { return (bits & 0x7FFF) > 0x7C00; }

}  // namespace

TEST_CASE("all 65536 halves have their value and survive a round trip") {
    int wrong = 0;
    for (std::uint32_t bits = 0; bits < 65536; ++bits) {
        const Float16 half{static_cast<std::uint16_t>(bits)};
        const float value = to_float(half);
        if (is_nan_half(half.bits)) {
            wrong += std::isnan(value) && is_nan_half(to_float16(value).bits) ? 0 : 1;
            continue;
        }
        if ((half.bits & 0x7FFF) == 0x7C00) wrong += std::isinf(value) && std::signbit(value) == (bits >= 0x8000) ? 0 : 1;
        else wrong += static_cast<double>(value) == half_value(half.bits) ? 0 : 1;
        wrong += to_float16(value) == half ? 0 : 1;
    }
    CHECK(wrong == 0);
}

TEST_CASE("between any two neighbouring halves rounding goes to the nearer, ties to even") {
    int wrong = 0;
    for (std::uint32_t bits = 0; bits < 0x7BFF; ++bits) {
        const auto low = static_cast<std::uint16_t>(bits);
        const auto high = static_cast<std::uint16_t>(bits + 1);
        const auto middle = static_cast<float>((half_value(low) + half_value(high)) / 2);  // exact in float
        const std::uint16_t even = low % 2 == 0 ? low : high;
        for (const float sign : {1.0f, -1.0f}) {
            const auto signed_bits = [&](std::uint16_t wanted) { return static_cast<std::uint16_t>(wanted | (sign < 0 ? 0x8000 : 0)); };
            wrong += to_float16(sign * middle).bits == signed_bits(even) ? 0 : 1;
            wrong += to_float16(sign * std::nextafter(middle, 0.0f)).bits == signed_bits(low) ? 0 : 1;
            wrong += to_float16(sign * std::nextafter(middle, 1e30f)).bits == signed_bits(high) ? 0 : 1;
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("trap 24: a value beyond 10000 becomes the nearest half or infinite, never another number") {
    for (const float value : {10001.0f, 12345.0f, 40000.0f, 65000.0f}) {
        CHECK(std::fabs(to_float(to_float16(value)) - value) <= value / 2048.0f);
        CHECK(std::fabs(to_float(to_float16(-value)) + value) <= value / 2048.0f);
    }
    CHECK(std::isinf(to_float(to_float16(70000.0f))));
}

TEST_CASE("the ends of half precision") {
    CHECK(to_float16(65504.0f).bits == 0x7BFF);
    CHECK(to_float16(65519.996f).bits == 0x7BFF);
    CHECK(to_float16(65520.0f).bits == 0x7C00);
    CHECK(to_float16(std::numeric_limits<float>::max()).bits == 0x7C00);
    CHECK(to_float16(-std::numeric_limits<float>::infinity()).bits == 0xFC00);
    CHECK(to_float16(0x1p-25f).bits == 0);  // a tie between 0 and the least half
    CHECK(to_float16(std::nextafter(0x1p-25f, 1.0f)).bits == 1);
    CHECK(to_float16(std::numeric_limits<float>::denorm_min()).bits == 0);
    CHECK(to_float16(-0.0f).bits == 0x8000);
    CHECK(is_nan_half(to_float16(std::numeric_limits<float>::quiet_NaN()).bits));
    CHECK(is_nan_half(to_float16(std::bit_cast<float>(0x7F800001u)).bits));  // a payload that does not fit
}

TEST_CASE("all 65536 bfloat16 survive a round trip, and rounding is to nearest even") {
    int wrong = 0;
    for (std::uint32_t bits = 0; bits < 65536; ++bits) {
        const BFloat16 value{static_cast<std::uint16_t>(bits)};
        const float wide = to_float(value);
        if (std::isnan(wide)) wrong += std::isnan(to_float(to_bfloat16(wide))) ? 0 : 1;
        else wrong += to_bfloat16(wide) == value ? 0 : 1;
        if (bits % 0x8000 >= 0x7F7F) continue;  // the greatest finite one and beyond
        const std::uint32_t even = bits % 2 == 0 ? bits : bits + 1;
        wrong += to_bfloat16(std::bit_cast<float>((bits << 16) + 0x8000u)).bits == even ? 0 : 1;
        wrong += to_bfloat16(std::bit_cast<float>((bits << 16) + 0x7FFFu)).bits == bits ? 0 : 1;
        wrong += to_bfloat16(std::bit_cast<float>((bits << 16) + 0x8001u)).bits == bits + 1 ? 0 : 1;
    }
    CHECK(wrong == 0);
    CHECK(to_bfloat16(std::numeric_limits<float>::max()).bits == 0x7F80);
    CHECK(std::isnan(to_float(to_bfloat16(std::bit_cast<float>(0x7F800001u)))));
}
