#include "tensor/small_float.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "catch.h"

using namespace mcompress;

namespace {

/// What the formats' definitions say: 1 + exponent + mantissa bits, and which magnitudes are no finite numbers.
struct Layout {
    DType dtype;
    int exponent_bits, mantissa_bits, bias;
    bool has_infinity;   // the largest exponent is that of IEEE 754
    bool unsigned_zero;  // minus zero's code is the only NaN
    int finite_codes;    // of one sign, zero among them
};

// clang-format off
constexpr Layout kLayouts[] = {
    {DType::Float8E4M3FN,   4, 3, 7,  false, false, 127},
    {DType::Float8E4M3FNUZ, 4, 3, 8,  false, true,  128},
    {DType::Float8E5M2,     5, 2, 15, true,  false, 124},
    {DType::Float8E5M2FNUZ, 5, 2, 16, false, true,  128},
    {DType::Float4E2M1,     2, 1, 1,  false, false, 8},
};
// clang-format on

/// The number of a magnitude's code by its definition, also of the first one behind the finite numbers, had it been one.
double value_of(const Layout& l, int code) {
    const int exponent = code >> l.mantissa_bits, mantissa = code & ((1 << l.mantissa_bits) - 1);
    if (exponent == 0) return std::ldexp(mantissa, 1 - l.bias - l.mantissa_bits);
    return std::ldexp(mantissa + (1 << l.mantissa_bits), exponent - l.bias - l.mantissa_bits);
}

/// The code of the nearest magnitude by search, ties to the even one; finite_codes when that is beyond the largest.
int nearest(const Layout& l, double size) {
    int best = 0;
    for (int code = 1; code <= l.finite_codes; ++code) {
        const double closer = std::abs(value_of(l, best) - size) - std::abs(value_of(l, code) - size);
        if (closer > 0.0 || (closer == 0.0 && code % 2 == 0)) best = code;
    }
    return size >= value_of(l, l.finite_codes) ? l.finite_codes : best;
}

bool same(float a, float b) { return std::isnan(a) ? std::isnan(b) : a == b && std::signbit(a) == std::signbit(b); }

/// Every number, every middle of two, what lies right beside them, and numbers beyond all of them.
std::vector<double> interesting(const Layout& l) {
    std::vector<double> sizes{0.0, 1e-300, 1e30, 1e300};
    for (int code = 0; code < l.finite_codes; ++code) {
        const double here = value_of(l, code), middle = 0.5 * (here + value_of(l, code + 1));
        for (const double size : {here, middle, std::nextafter(middle, 0.0), std::nextafter(middle, 1e300)}) sizes.push_back(size);
    }
    std::mt19937 random(7);
    std::uniform_real_distribution<double> power(-20.0, 18.0);
    for (int i = 0; i < 2000; ++i) sizes.push_back(std::exp2(power(random)));
    return sizes;
}

}  // namespace

TEST_CASE("codes of small floats have the numbers of their definition and survive a round trip") {
    for (const Layout& l : kLayouts) {
        const int sign = 1 << (l.exponent_bits + l.mantissa_bits);
        for (int code = 0; code < 2 * sign; ++code) {
            CAPTURE(dtype_name(l.dtype), code);
            const float value = decode_small_float(l.dtype, static_cast<std::uint8_t>(code));
            const int magnitude = code & (sign - 1);
            if (l.unsigned_zero && code == sign) CHECK(std::isnan(value));
            else if (magnitude < l.finite_codes)
                CHECK(same(value, static_cast<float>(code & sign ? -value_of(l, magnitude) : value_of(l, magnitude))));
            else if (l.has_infinity && magnitude == l.finite_codes) CHECK(std::isinf(value));
            else CHECK(std::isnan(value));
            const auto again = encode_small_float(l.dtype, static_cast<double>(value), FloatOverflow::Escapes);
            CHECK(same(decode_small_float(l.dtype, again), value));
        }
    }
}

TEST_CASE("numbers become the nearest small float, ties the even one") {
    for (const Layout& l : kLayouts) {
        const int sign = 1 << (l.exponent_bits + l.mantissa_bits);
        for (const double size : interesting(l)) {
            for (const double value : {size, -size}) {
                CAPTURE(dtype_name(l.dtype), value);
                const int wanted = nearest(l, size), limit = std::min(wanted, l.finite_codes - 1);
                const bool drops_sign = l.unsigned_zero && wanted == 0;
                const int negative = std::signbit(value) && !drops_sign ? sign : 0;
                CHECK(encode_small_float(l.dtype, value, FloatOverflow::Saturates) == (limit | negative));
                const auto escaped = encode_small_float(l.dtype, value, FloatOverflow::Escapes);
                if (wanted < l.finite_codes || l.dtype == DType::Float4E2M1) CHECK(escaped == (limit | negative));
                else CHECK(!std::isfinite(decode_small_float(l.dtype, escaped)));
            }
        }
    }
}
