// Numbers and strings of an index, written and read with bounds.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "support/error.h"

namespace mcompress {

class IndexWriter {
public:
    /// Seven bits a byte, low ones first.
    void number(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
        bytes_ += static_cast<char>(value);
    }
    void text(std::string_view text) {
        number(text.size());
        bytes_ += text;
    }
    const std::string& bytes() const { return bytes_; }

private:
    std::string bytes_;
};

/// Throws kModelTruncated where the index ends too early or a number is none.
class IndexReader {
public:
    explicit IndexReader(std::string_view bytes) : bytes_(bytes) {}

    std::uint64_t number() {
        std::uint64_t value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            if (bytes_.empty()) damaged("ends too early");
            const auto byte = static_cast<unsigned char>(bytes_.front());
            bytes_.remove_prefix(1);
            if (shift == 63 && byte > 1) break;
            value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return value;
        }
        damaged("holds a number of more than 64 bits");
    }
    std::uint64_t number_up_to(std::uint64_t limit, const char* what) {
        const std::uint64_t value = number();
        if (value > limit) damaged(format("says {} {}; at most {} are possible", value, what, limit).c_str());
        return value;
    }
    std::string text(std::uint64_t longest, const char* what) {
        const std::uint64_t size = number_up_to(longest, what);
        if (size > bytes_.size()) damaged("ends too early");
        std::string text(bytes_.substr(0, size));
        bytes_.remove_prefix(size);
        return text;
    }
    bool is_at_end() const { return bytes_.empty(); }

    [[noreturn]] static void damaged(const char* how) {
        throw Error(codes::kModelTruncated, format("the index of the archive {}", how), "the file is damaged: get it again");
    }

private:
    std::string_view bytes_;
};

}  // namespace mcompress
