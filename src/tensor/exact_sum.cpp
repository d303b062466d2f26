#include <algorithm>
#include <bit>
#include <cmath>

#include "support/check.h"
#include "support/error.h"
#include "tensor/statistics.h"

namespace mcompress {

namespace {

using Words = std::array<std::uint64_t, 5>;

constexpr int kUnitExponent = -149;

void add_words(Words& sum, const Words& term) {
    std::uint64_t carry = 0;
    for (std::size_t at = 0; at < sum.size(); ++at) {
        const std::uint64_t partial = sum[at] + carry;
        carry = partial < carry ? 1 : 0;
        sum[at] = partial + term[at];
        carry += sum[at] < partial ? 1 : 0;
    }
}

void negate(Words& words) {
    for (auto& word : words) word = ~word;
    add_words(words, {1});
}

/// 64 bits from bit `first` on.
std::uint64_t bits_at(const Words& words, int first) {
    const auto word = static_cast<std::size_t>(first / 64);
    const int shift = first % 64;
    std::uint64_t result = words[word] >> shift;
    if (shift > 0 && word + 1 < words.size()) result |= words[word + 1] << (64 - shift);
    return result;
}

}  // namespace

void ExactSum::add(double value) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
    const std::uint32_t exponent = (bits >> 23) & 0xFFu;
    MCOMPRESS_CHECK(exponent != 0xFFu && static_cast<double>(static_cast<float>(value)) == value);
    // A float is mantissa × 2^(exponent - 150), subnormals count as exponent 1.
    const std::uint64_t mantissa = (bits & 0x7FFFFFu) | (exponent == 0 ? 0u : 0x800000u);
    const std::uint32_t shift = exponent == 0 ? 0 : exponent - 1;
    Words term{};
    term[shift / 64] = mantissa << (shift % 64);
    if (shift % 64 > 40) term[shift / 64 + 1] = mantissa >> (64 - shift % 64);
    if (bits >> 31) negate(term);
    add_words(words_, term);
}

void ExactSum::add(const ExactSum& other) { add_words(words_, other.words_); }

double ExactSum::value() const {
    Words magnitude = words_;
    const bool is_negative = (magnitude.back() >> 63) != 0;
    if (is_negative) negate(magnitude);
    int top = -1;  // the highest bit set
    for (int word = 0; word < static_cast<int>(magnitude.size()); ++word)
        if (const auto bits = magnitude[static_cast<std::size_t>(word)]) top = word * 64 + 63 - std::countl_zero(bits);
    if (top < 0) return 0.0;
    double result = 0.0;
    if (top < 53) {
        result = std::ldexp(static_cast<double>(magnitude[0]), kUnitExponent);
    } else {  // 53 bits and a rounding bit, with what lies below folded into one sticky bit: the conversion then rounds correctly
        const int low = top - 54;
        std::uint64_t bits = bits_at(magnitude, std::max(low, 0)) & ((std::uint64_t{1} << 55) - 1);
        if (low < 0) bits <<= 1;
        bool is_sticky = false;
        for (int bit = 0; bit < low && !is_sticky; ++bit)
            is_sticky = ((magnitude[static_cast<std::size_t>(bit / 64)] >> (bit % 64)) & 1u) != 0;
        result = std::ldexp(static_cast<double>(bits | (is_sticky ? 1u : 0u)), low + kUnitExponent);
    }
    return is_negative ? -result : result;
}

ExactSum ExactSum::from_words(std::span<const std::uint64_t> words) {
    ExactSum sum;
    if (words.size() != sum.words_.size())
        throw Error(codes::kTableInvalid, format("a sum has {} words, not {}", words.size(), sum.words_.size()), "calibrate again");
    std::copy(words.begin(), words.end(), sum.words_.begin());
    return sum;
}

}  // namespace mcompress
