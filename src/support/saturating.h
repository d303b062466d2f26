// Sums and products of counts that stop at the largest number instead of overflowing: what files say about extents may be anything.
#pragma once

#include <cstdint>

namespace mcompress {

constexpr std::int64_t saturating_add(std::int64_t a, std::int64_t b) {
    std::int64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

constexpr std::int64_t saturating_multiply(std::int64_t a, std::int64_t b) {
    std::int64_t product = 0;
    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

/// The whole part of a number that is at least 0.
constexpr std::int64_t saturating_integer(double value) { return value < 0x1p63 ? static_cast<std::int64_t>(value) : INT64_MAX; }

}  // namespace mcompress
