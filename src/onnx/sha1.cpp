#include "onnx/sha1.h"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "support/format.h"

namespace mcompress {

namespace {

constexpr std::size_t kBlock = 64;
using State = std::array<std::uint32_t, 5>;

std::uint32_t read_big_endian(const std::byte* bytes) {
    std::uint32_t word = 0;
    for (int i = 0; i < 4; ++i) word = word << 8 | static_cast<std::uint32_t>(bytes[i]);
    return word;
}

void add_block(State& state, const std::byte* block) {
    std::array<std::uint32_t, 80> words;
    for (std::size_t t = 0; t < 16; ++t) words[t] = read_big_endian(block + 4 * t);
    for (std::size_t t = 16; t < 80; ++t) words[t] = std::rotl(words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16], 1);
    auto [a, b, c, d, e] = state;
    for (std::size_t t = 0; t < 80; ++t) {
        const std::uint32_t mixed = t < 20   ? ((b & c) | (~b & d)) + 0x5a827999u
                                    : t < 40 ? (b ^ c ^ d) + 0x6ed9eba1u
                                    : t < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcu
                                             : (b ^ c ^ d) + 0xca62c1d6u;
        const std::uint32_t next = std::rotl(a, 5) + mixed + e + words[t];
        e = d;
        d = c;
        c = std::rotl(b, 30);
        b = a;
        a = next;
    }
    const State sums{a, b, c, d, e};
    for (std::size_t i = 0; i < state.size(); ++i) state[i] += sums[i];
}

}  // namespace

std::string sha1_hex(std::span<const std::byte> bytes) {
    State state{0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u};
    const std::size_t whole = bytes.size() / kBlock * kBlock;
    for (std::size_t at = 0; at < whole; at += kBlock) add_block(state, bytes.data() + at);
    std::array<std::byte, 2 * kBlock> tail{};
    const std::size_t rest = bytes.size() - whole;
    if (rest > 0) std::memcpy(tail.data(), bytes.data() + whole, rest);
    tail[rest] = std::byte{0x80};
    const std::size_t end = rest + 9 <= kBlock ? kBlock : 2 * kBlock;
    const std::uint64_t bits = static_cast<std::uint64_t>(bytes.size()) * 8;
    for (std::size_t i = 0; i < 8; ++i) tail[end - 1 - i] = static_cast<std::byte>(bits >> (8 * i) & 0xff);
    for (std::size_t at = 0; at < end; at += kBlock) add_block(state, tail.data() + at);
    std::string text;
    for (const std::uint32_t word : state) text += format("{:08x}", word);
    return text;
}

}  // namespace mcompress
