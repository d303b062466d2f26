// UTF-8 and the case of letters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mcompress::reference {

/// Code points. A byte that is no UTF-8 stands for itself, 0x110000 above its value, and comes back unchanged.
std::vector<char32_t> decode_utf8(std::string_view text);
std::string encode_utf8(const std::vector<char32_t>& letters);

/// Letter by letter, as Unicode's simple case mappings say; the same in every locale.
char32_t lower_case(char32_t letter);
char32_t upper_case(char32_t letter);
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);

}  // namespace mcompress::reference
