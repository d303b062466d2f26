// The syntax tree of a regular expression.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "engine/reference/regex.h"

namespace mcompress::reference {

struct RegexNode {
    enum class Kind { Empty, Letter, Assert, Sequence, Choice, Repeat };
    static constexpr int kNoBound = -1;

    Kind kind = Kind::Empty;
    int set = 0;                                               // of Letter
    Regex::Assertion assertion = Regex::Assertion::TextBegin;  // of Assert
    int least = 0, most = kNoBound;                            // of Repeat
    std::vector<RegexNode> parts;                              // of Sequence, Choice, Repeat (one)
};

/// Sets of letters are appended to `sets`. Throws as Regex's constructor does.
RegexNode parse_regex(std::string_view pattern, std::vector<Regex::Set>& sets);

}  // namespace mcompress::reference
