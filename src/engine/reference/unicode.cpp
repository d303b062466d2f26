#include "engine/reference/unicode.h"

#include <clocale>
#include <cwctype>

#include "support/error.h"

namespace mcompress::reference {

namespace {

constexpr char32_t kRawByte = 0x110000;

/// glibc's tables of Unicode; this locale is part of glibc and does not depend on the environment. It lives as long as the process.
locale_t unicode_locale() {
    static const locale_t kLocale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    if (!kLocale) fail(codes::kOperatorUnsupported, "the locale C.UTF-8, which knows the case of letters, is not installed");
    return kLocale;
}

/// Length of the sequence that begins with `first`; 0: none does.
int sequence_length(unsigned char first) {
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first < 0xE0) return 2;
    if (first >= 0xE0 && first < 0xF0) return 3;
    return first >= 0xF0 && first < 0xF5 ? 4 : 0;
}

/// The code point at `at`, whose sequence is `length` long; kRawByte when it is malformed, too long or a surrogate.
char32_t code_point(std::string_view text, std::size_t at, int length) {
    constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (length == 0 || at + static_cast<std::size_t>(length) > text.size()) return kRawByte;
    auto value = static_cast<char32_t>(static_cast<unsigned char>(text[at]));
    if (length > 1) value &= (1U << (7 - length)) - 1;
    for (int i = 1; i < length; ++i) {
        const auto next = static_cast<unsigned char>(text[at + static_cast<std::size_t>(i)]);
        if ((next & 0xC0) != 0x80) return kRawByte;
        value = value << 6 | (next & 0x3F);
    }
    const bool is_surrogate = value >= 0xD800 && value < 0xE000;
    return value < kSmallest[length] || value >= kRawByte || is_surrogate ? kRawByte : value;
}

template <typename Change> std::string changed(std::string_view text, Change change) {
    std::vector<char32_t> letters = decode_utf8(text);
    for (char32_t& letter : letters) letter = change(letter);
    return encode_utf8(letters);
}

}  // namespace

std::vector<char32_t> decode_utf8(std::string_view text) {
    std::vector<char32_t> letters;
    for (std::size_t at = 0; at < text.size();) {
        const int length = sequence_length(static_cast<unsigned char>(text[at]));
        char32_t letter = code_point(text, at, length);
        if (letter == kRawByte) letter += static_cast<unsigned char>(text[at++]);
        else at += static_cast<std::size_t>(length);
        letters.push_back(letter);
    }
    return letters;
}

std::string encode_utf8(const std::vector<char32_t>& letters) {
    std::string text;
    const auto put = [&](char32_t byte) { text.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
    for (const char32_t letter : letters) {
        if (letter >= kRawByte) put(letter - kRawByte);
        else if (letter < 0x80) put(letter);
        else if (letter < 0x800) put(0xC0 | letter >> 6), put(0x80 | (letter & 0x3F));
        else if (letter < 0x10000) put(0xE0 | letter >> 12), put(0x80 | (letter >> 6 & 0x3F)), put(0x80 | (letter & 0x3F));
        else put(0xF0 | letter >> 18), put(0x80 | (letter >> 12 & 0x3F)), put(0x80 | (letter >> 6 & 0x3F)), put(0x80 | (letter & 0x3F));
    }
    return text;
}

char32_t lower_case(char32_t letter) {
    return letter >= kRawByte ? letter : static_cast<char32_t>(towlower_l(static_cast<wint_t>(letter), unicode_locale()));
}
char32_t upper_case(char32_t letter) {
    return letter >= kRawByte ? letter : static_cast<char32_t>(towupper_l(static_cast<wint_t>(letter), unicode_locale()));
}
std::string to_lower(std::string_view text) { return changed(text, lower_case); }
std::string to_upper(std::string_view text) { return changed(text, upper_case); }

}  // namespace mcompress::reference
