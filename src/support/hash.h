// A streaming 128-bit content hash (XXH3). Not cryptographic: it tells versions apart, it does not prove who made them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mcompress {

class Hasher {
public:
    Hasher();
    ~Hasher();
    Hasher(const Hasher&) = delete;
    Hasher& operator=(const Hasher&) = delete;

    void add_bytes(const void* data, std::size_t size);
    /// Adds the length and the bytes, so that ("ab","c") and ("a","bc") differ.
    void add_string(std::string_view text);
    void add_integer(std::int64_t value);

    /// 32 lower-case hexadecimal digits.
    std::string hex_digest() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace mcompress
