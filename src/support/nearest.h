// "Did you mean …?"
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mcompress {

/// The candidate with the smallest edit distance to `word`, or "" when none is within a third of the longer length (at least 1).
std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace mcompress
