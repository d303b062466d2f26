// SHA-256 (FIPS 180-4): digests that others can compute too, with sha256sum, and that nobody can aim at.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mcompress {

class Sha256 {
public:
    void add_bytes(const void* data, std::size_t size);
    /// The length in decimal digits, a colon, and the bytes: ("ab","c") and ("a","bc") differ.
    void add_string(std::string_view text);

    /// 64 lower-case hexadecimal digits; more bytes may follow.
    std::string hex_digest() const;

private:
    static constexpr std::size_t kBlock = 64;

    std::array<std::uint32_t, 8> state_{0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au,
                                        0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u};
    std::array<std::byte, kBlock> rest_{};
    std::size_t rest_size_ = 0;
    std::uint64_t size_ = 0;
};

/// Of one text.
std::string sha256_hex(std::string_view text);

}  // namespace mcompress
