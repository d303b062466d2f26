// Letters and numbers as C's own locale has them. The program around the library may have adopted another, in which std::strtod reads "0.5" as 0 (de_DE) and
// std::tolower leaves an I as it is (tr_TR): the functions of <cctype> and strtod are used nowhere in the library.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace mcompress {

constexpr bool is_letter(char letter) { return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z'); }
constexpr char to_lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

/// Of ASCII letters; all other bytes stay.
inline std::string to_lower(std::string_view text) {
    std::string lower(text);
    for (char& letter : lower) letter = to_lower(letter);
    return lower;
}

/// The whole text as one decimal number, with a sign or without; nothing when it is none, or one that no Number holds.
template <typename Number> std::optional<Number> read_number(std::string_view text) {
    if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace mcompress
