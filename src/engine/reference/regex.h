// Regular expressions in RE2's syntax, matched in time proportional to text times pattern: no pattern makes it hang or overflow the stack.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace mcompress::reference {

class Regex {
public:
    /// Throws kAttributeInvalid where the syntax is wrong, kOperatorUnsupported for Unicode classes (\p) and single bytes (\C), and kTooLarge
    /// for patterns whose repetitions multiply beyond measure.
    explicit Regex(std::string_view pattern);

    /// Whether the whole text matches.
    bool matches(std::string_view text) const;

    enum class Assertion { TextBegin, TextEnd, LineBegin, LineEnd, WordBoundary, NoWordBoundary };
    struct Range {
        char32_t first, last;
    };
    struct Set {
        std::vector<Range> ranges;
        bool is_negated = false;
        bool ignores_case = false;
        bool holds(char32_t letter) const;
    };
    struct Instruction {
        enum class Kind { Letter, Split, Assert, Match };
        Kind kind = Kind::Match;
        std::int32_t next = 0, other = 0;  // Split has both
        std::int32_t set = 0;              // of Letter
        Assertion assertion = Assertion::TextBegin;
    };

private:
    std::vector<Set> sets_;
    std::vector<Instruction> program_;
    std::int32_t start_ = 0;
};

}  // namespace mcompress::reference
