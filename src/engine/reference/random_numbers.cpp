#include "engine/reference/random_numbers.h"

#include <bit>
#include <cmath>
#include <numbers>
#include <string>

#include "support/splitmix.h"

namespace mcompress::reference {

namespace {

/// 53 of 64 random bits as a number in [0, 1).
double fraction(std::uint32_t low, std::uint32_t high) {
    const std::uint64_t bits = (static_cast<std::uint64_t>(high) << 32) | low;
    return static_cast<double>(bits >> 11) * 0x1p-53;
}

}  // namespace

RandomStream::Block RandomStream::block(std::uint64_t low, std::uint64_t high) const {
    Block x{static_cast<std::uint32_t>(low), static_cast<std::uint32_t>(low >> 32), static_cast<std::uint32_t>(high),
            static_cast<std::uint32_t>(high >> 32)};
    auto k0 = static_cast<std::uint32_t>(key_), k1 = static_cast<std::uint32_t>(key_ >> 32);
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t a = std::uint64_t{0xD2511F53U} * x[0], b = std::uint64_t{0xCD9E8D57U} * x[2];
        x = {static_cast<std::uint32_t>(b >> 32) ^ x[1] ^ k0, static_cast<std::uint32_t>(b),
             static_cast<std::uint32_t>(a >> 32) ^ x[3] ^ k1, static_cast<std::uint32_t>(a)};
        k0 += 0x9E3779B9U;
        k1 += 0xBB67AE85U;
    }
    return x;
}

double RandomStream::uniform(std::uint64_t index) const {
    const Block bits = block(index / 2);
    return index % 2 ? fraction(bits[2], bits[3]) : fraction(bits[0], bits[1]);
}

double RandomStream::normal(std::uint64_t index) const {
    const Block bits = block(index / 2);
    const double radius = std::sqrt(-2.0 * std::log(1.0 - fraction(bits[0], bits[1])));  // of a number in (0, 1]
    const double angle = 2.0 * std::numbers::pi * fraction(bits[2], bits[3]);
    return radius * (index % 2 ? std::sin(angle) : std::cos(angle));
}

RandomStream random_stream(const Node& node, std::optional<double> seed) {
    if (seed) return RandomStream(splitmix64(std::bit_cast<std::uint64_t>(*seed)));
    std::uint64_t key = splitmix64(kDefaultSeed);
    const Value* output = node.output(0);
    for (const char letter : output ? output->name() : node.name()) key = splitmix64(key ^ static_cast<unsigned char>(letter));
    return RandomStream(key);
}

}  // namespace mcompress::reference
