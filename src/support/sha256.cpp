#include "support/sha256.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "support/format.h"

namespace mcompress {

namespace {

using State = std::array<std::uint32_t, 8>;

// Fractional parts of the cube roots of the first 64 primes.
constexpr std::array<std::uint32_t, 64> kRound{
    0x428a2f98u, 0x71374491u, 0xb5c0fbcfu, 0xe9b5dba5u, 0x3956c25bu, 0x59f111f1u, 0x923f82a4u, 0xab1c5ed5u, 0xd807aa98u, 0x12835b01u,
    0x243185beu, 0x550c7dc3u, 0x72be5d74u, 0x80deb1feu, 0x9bdc06a7u, 0xc19bf174u, 0xe49b69c1u, 0xefbe4786u, 0x0fc19dc6u, 0x240ca1ccu,
    0x2de92c6fu, 0x4a7484aau, 0x5cb0a9dcu, 0x76f988dau, 0x983e5152u, 0xa831c66du, 0xb00327c8u, 0xbf597fc7u, 0xc6e00bf3u, 0xd5a79147u,
    0x06ca6351u, 0x14292967u, 0x27b70a85u, 0x2e1b2138u, 0x4d2c6dfcu, 0x53380d13u, 0x650a7354u, 0x766a0abbu, 0x81c2c92eu, 0x92722c85u,
    0xa2bfe8a1u, 0xa81a664bu, 0xc24b8b70u, 0xc76c51a3u, 0xd192e819u, 0xd6990624u, 0xf40e3585u, 0x106aa070u, 0x19a4c116u, 0x1e376c08u,
    0x2748774cu, 0x34b0bcb5u, 0x391c0cb3u, 0x4ed8aa4au, 0x5b9cca4fu, 0x682e6ff3u, 0x748f82eeu, 0x78a5636fu, 0x84c87814u, 0x8cc70208u,
    0x90befffau, 0xa4506cebu, 0xbef9a3f7u, 0xc67178f2u};

std::uint32_t read_big_endian(const std::byte* bytes) {
    std::uint32_t word = 0;
    for (int i = 0; i < 4; ++i) word = word << 8 | static_cast<std::uint32_t>(bytes[i]);
    return word;
}

void add_block(State& state, const std::byte* block) {
    std::array<std::uint32_t, 64> words;
    for (std::size_t t = 0; t < 16; ++t) words[t] = read_big_endian(block + 4 * t);
    for (std::size_t t = 16; t < words.size(); ++t) {
        const std::uint32_t low = words[t - 15], high = words[t - 2];
        words[t] = words[t - 16] + (std::rotr(low, 7) ^ std::rotr(low, 18) ^ (low >> 3)) + words[t - 7] +
                   (std::rotr(high, 17) ^ std::rotr(high, 19) ^ (high >> 10));
    }
    auto [a, b, c, d, e, f, g, h] = state;
    for (std::size_t t = 0; t < words.size(); ++t) {
        const std::uint32_t first =
            h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + ((e & f) ^ (~e & g)) + kRound[t] + words[t];
        const std::uint32_t second = (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + first;
        d = c;
        c = b;
        b = a;
        a = first + second;
    }
    const State sums{a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < state.size(); ++i) state[i] += sums[i];
}

}  // namespace

void Sha256::add_bytes(const void* data, std::size_t size) {
    const auto* bytes = static_cast<const std::byte*>(data);
    size_ += size;
    while (size > 0) {
        if (rest_size_ == 0 && size >= kBlock) {
            add_block(state_, bytes);
            bytes += kBlock;
            size -= kBlock;
            continue;
        }
        const std::size_t taken = std::min(size, kBlock - rest_size_);
        std::memcpy(rest_.data() + rest_size_, bytes, taken);
        rest_size_ += taken;
        bytes += taken;
        size -= taken;
        if (rest_size_ < kBlock) continue;
        add_block(state_, rest_.data());
        rest_size_ = 0;
    }
}

void Sha256::add_string(std::string_view text) {
    const std::string length = std::to_string(text.size()) + ":";
    add_bytes(length.data(), length.size());
    add_bytes(text.data(), text.size());
}

std::string Sha256::hex_digest() const {
    State state = state_;
    std::array<std::byte, 2 * kBlock> tail{};
    std::memcpy(tail.data(), rest_.data(), rest_size_);
    tail[rest_size_] = std::byte{0x80};
    const std::size_t end = rest_size_ + 9 <= kBlock ? kBlock : 2 * kBlock;
    for (std::size_t i = 0; i < 8; ++i) tail[end - 1 - i] = static_cast<std::byte>(size_ * 8 >> (8 * i) & 0xff);
    for (std::size_t at = 0; at < end; at += kBlock) add_block(state, tail.data() + at);
    std::string text;
    for (const std::uint32_t word : state) text += format("{:08x}", word);
    return text;
}

std::string sha256_hex(std::string_view text) {
    Sha256 digest;
    digest.add_bytes(text.data(), text.size());
    return digest.hex_digest();
}

}  // namespace mcompress
