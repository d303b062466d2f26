#include "engine/reference/regex_syntax.h"

#include <algorithm>
#include <optional>
#include <string>

#include "engine/reference/unicode.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

using Kind = RegexNode::Kind;
using Set = Regex::Set;
using Assertion = Regex::Assertion;
constexpr int kDeepest = 200, kMostRepeats = 1000;
constexpr char32_t kLast = 0x10FFFF;

struct NamedRanges {
    std::string_view name;
    std::vector<Regex::Range> ranges;
};

const std::vector<NamedRanges>& named_classes() {
    static const std::vector<NamedRanges> kClasses{{"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
                                                   {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
                                                   {"ascii", {{0, 0x7F}}},
                                                   {"blank", {{'\t', '\t'}, {' ', ' '}}},
                                                   {"cntrl", {{0, 0x1F}, {0x7F, 0x7F}}},
                                                   {"digit", {{'0', '9'}}},
                                                   {"graph", {{'!', '~'}}},
                                                   {"lower", {{'a', 'z'}}},
                                                   {"print", {{' ', '~'}}},
                                                   {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
                                                   {"space", {{'\t', '\r'}, {' ', ' '}}},
                                                   {"upper", {{'A', 'Z'}}},
                                                   {"word", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
                                                   {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
                                                   {"d", {{'0', '9'}}},
                                                   {"s", {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}}},
                                                   {"w", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}}};
    return kClasses;
}

std::vector<Regex::Range> complement(std::vector<Regex::Range> ranges) {
    std::vector<Regex::Range> result;
    char32_t from = 0;
    for (const auto& [first, last] : ranges) {  // sorted and apart, as the table has them
        if (first > from) result.push_back({from, first - 1});
        from = last + 1;
    }
    result.push_back({from, kLast});
    return result;
}

class Parser {
public:
    Parser(std::string_view pattern, std::vector<Set>& sets) : pattern_(pattern), letters_(decode_utf8(pattern)), sets_(sets) {}

    RegexNode parse() {
        RegexNode node = choice();
        if (!at_end()) fail_syntax("an unexpected )");
        return node;
    }

private:
    struct Flags {
        bool ignores_case = false, is_multiline = false, dot_takes_newline = false;
    };

    [[noreturn]] void fail_syntax(const char* problem) const {
        fail(codes::kAttributeInvalid, "the regular expression '{}' has {}", pattern_, problem);
    }
    bool at_end() const { return at_ == letters_.size(); }
    bool sees(char32_t letter) const { return !at_end() && letters_[at_] == letter; }
    bool take(char32_t letter) {
        if (!sees(letter)) return false;
        ++at_;
        return true;
    }
    bool take_text(std::string_view text) {
        if (at_ + text.size() > letters_.size() ||
            !std::equal(text.begin(), text.end(), letters_.begin() + static_cast<std::ptrdiff_t>(at_),
                        [](char a, char32_t b) { return static_cast<unsigned char>(a) == b; }))
            return false;
        at_ += text.size();
        return true;
    }
    char32_t next() {
        if (at_end()) fail_syntax("an end where more is expected");
        return letters_[at_++];
    }

    RegexNode letter_of(Set set) {
        set.ignores_case = flags_.ignores_case;
        sets_.push_back(std::move(set));
        RegexNode node;
        node.kind = Kind::Letter;
        node.set = static_cast<int>(sets_.size()) - 1;
        return node;
    }
    static RegexNode assertion_of(Assertion assertion) {
        RegexNode node;
        node.kind = Kind::Assert;
        node.assertion = assertion;
        return node;
    }

    RegexNode choice() {
        if (++depth_ > kDeepest) fail(codes::kTooLarge, "the regular expression '{}' nests too deeply", pattern_);
        RegexNode node;
        node.kind = Kind::Choice;
        do node.parts.push_back(sequence());
        while (take('|'));
        --depth_;
        return node.parts.size() == 1 ? std::move(node.parts[0]) : node;
    }

    RegexNode sequence() {
        RegexNode node;
        node.kind = Kind::Sequence;
        while (!at_end() && !sees('|') && !sees(')')) {
            if (take_text("\\Q")) {
                while (!at_end() && !take_text("\\E")) {
                    const char32_t letter = next();
                    node.parts.push_back(letter_of({{{letter, letter}}}));
                }
                continue;
            }
            node.parts.push_back(repeated(atom()));
        }
        return node;
    }

    std::optional<int> number() {
        std::optional<int> value;
        while (!at_end() && letters_[at_] >= '0' && letters_[at_] <= '9')
            value = std::min(value.value_or(0) * 10 + static_cast<int>(next() - '0'), 1'000'000);
        return value;
    }

    /// {n}, {n,} or {n,m}; what looks different is literal.
    bool take_bounds(RegexNode& repeat) {
        const std::size_t begin = at_;
        ++at_;
        const auto least = number();
        if (least) {
            repeat.least = repeat.most = *least;
            if (take(',')) repeat.most = number().value_or(RegexNode::kNoBound);
            if (take('}')) {
                if (repeat.least > kMostRepeats || repeat.most > kMostRepeats || (repeat.most >= 0 && repeat.most < repeat.least))
                    fail_syntax("a repetition that is no range up to 1000");
                return true;
            }
        }
        at_ = begin;
        return false;
    }

    RegexNode repeated(RegexNode inner) {
        RegexNode repeat;
        repeat.kind = Kind::Repeat;
        if (take('*')) repeat.least = 0;
        else if (take('+')) repeat.least = 1;
        else if (take('?')) repeat.most = 1;
        else if (!sees('{') || !take_bounds(repeat)) return inner;
        take('?');  // lazy or not, the same texts match as a whole
        RegexNode again;
        if (sees('*') || sees('+') || sees('?') || (sees('{') && take_bounds(again))) fail_syntax("a repetition of a repetition");
        repeat.parts.push_back(std::move(inner));
        return repeat;
    }

    RegexNode atom() {
        const char32_t letter = next();
        switch (letter) {
            case '(': return group();
            case '[': return letter_of(bracket());
            case '.': return letter_of(flags_.dot_takes_newline ? Set{{}, true} : Set{{{'\n', '\n'}}, true});
            case '^': return assertion_of(flags_.is_multiline ? Assertion::LineBegin : Assertion::TextBegin);
            case '$': return assertion_of(flags_.is_multiline ? Assertion::LineEnd : Assertion::TextEnd);
            case '\\': return escape();
            case '*':
            case '+':
            case '?': fail_syntax("nothing to repeat");
            default: return letter_of({{{letter, letter}}});
        }
    }

    RegexNode group() {
        const Flags outer = flags_;
        if (take('?')) {
            if (take_text("P<") || take('<')) {
                while (!take('>')) (void)next();
            } else if (!take_flags()) {
                return {};  // (?flags) holds to the end of the enclosing group
            }
        }
        RegexNode node = choice();
        if (!take(')')) fail_syntax("a group without )");
        flags_ = outer;
        return node;
    }

    /// Flags up to ':' (true) or ')' (false).
    bool take_flags() {
        bool value = true;
        while (true) {
            switch (next()) {
                case ':': return true;
                case ')': return false;
                case '-': value = false; break;
                case 'i': flags_.ignores_case = value; break;
                case 'm': flags_.is_multiline = value; break;
                case 's': flags_.dot_takes_newline = value; break;
                case 'U': break;
                default: fail_syntax("an unknown flag");
            }
        }
    }

    RegexNode escape() {
        if (take('A')) return assertion_of(Assertion::TextBegin);
        if (take('z')) return assertion_of(Assertion::TextEnd);
        if (take('b')) return assertion_of(Assertion::WordBoundary);
        if (take('B')) return assertion_of(Assertion::NoWordBoundary);
        Set set;
        if (take_class(set)) return letter_of(std::move(set));
        const char32_t letter = escaped_letter();
        return letter_of({{{letter, letter}}});
    }

    /// \d \s \w and their complements, behind the backslash.
    bool take_class(Set& set) {
        if (sees('p') || sees('P') || sees('C'))
            fail(codes::kOperatorUnsupported, "the regular expression '{}' uses \\p, \\P or \\C, which is not known here", pattern_);
        for (const auto& [name, ranges] : named_classes()) {
            if (name.size() != 1) continue;
            const auto lower = static_cast<char32_t>(name[0]);
            if (take(lower)) set.ranges.insert(set.ranges.end(), ranges.begin(), ranges.end());
            else if (take(lower - 32)) {
                const auto others = complement(ranges);
                set.ranges.insert(set.ranges.end(), others.begin(), others.end());
            } else continue;
            return true;
        }
        return false;
    }

    char32_t digits(int base, int most) {
        char32_t value = 0;
        for (int i = 0; i < most && !at_end(); ++i) {
            const char32_t letter = lower_case(letters_[at_]);
            const char32_t digit = letter >= '0' && letter <= '9' ? letter - '0' : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : 99;
            if (digit >= static_cast<char32_t>(base)) break;
            value = value * static_cast<char32_t>(base) + digit;
            ++at_;
        }
        if (value > kLast) fail_syntax("a letter beyond Unicode");
        return value;
    }

    char32_t escaped_letter() {
        static constexpr std::pair<char, char> kControls[] = {{'a', '\a'}, {'f', '\f'}, {'t', '\t'}, {'n', '\n'}, {'r', '\r'}, {'v', '\v'}};
        const char32_t letter = next();
        for (const auto& [name, control] : kControls)
            if (letter == static_cast<char32_t>(name)) return static_cast<char32_t>(control);
        if (letter == 'x') {
            if (!take('{')) return digits(16, 2);
            const char32_t value = digits(16, 6);
            if (!take('}')) fail_syntax("a \\x{ without }");
            return value;
        }
        if (letter == '0') return digits(8, 2);
        const bool is_plain =
            letter > 0x7F || !((letter >= '0' && letter <= '9') || (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z'));
        if (!is_plain) fail_syntax("an unknown escape");
        return letter;
    }

    /// Behind [ up to ].
    Set bracket() {
        Set set;
        set.is_negated = take('^');
        for (bool is_first = true; is_first || !sees(']'); is_first = false) {
            if (take_text("[:")) {
                named(set);
                continue;
            }
            char32_t first = next();
            if (first == '\\') {
                if (take_class(set)) continue;
                first = escaped_letter();
            }
            char32_t last = first;
            if (sees('-') && at_ + 1 < letters_.size() && letters_[at_ + 1] != ']') {
                ++at_;
                last = next();
                if (last == '\\') last = escaped_letter();
            }
            if (last < first) fail_syntax("a range that runs backwards");
            set.ranges.push_back({first, last});
        }
        ++at_;
        return set;
    }

    /// Behind [: up to :].
    void named(Set& set) {
        const bool is_negated = take('^');
        for (const auto& [name, ranges] : named_classes()) {
            if (name.size() == 1 || !take_text(std::string(name) + ":]")) continue;
            const auto taken = is_negated ? complement(ranges) : ranges;
            set.ranges.insert(set.ranges.end(), taken.begin(), taken.end());
            return;
        }
        fail_syntax("an unknown class of letters");
    }

    std::string_view pattern_;
    std::vector<char32_t> letters_;
    std::vector<Set>& sets_;
    std::size_t at_ = 0;
    int depth_ = 0;
    Flags flags_;
};

}  // namespace

RegexNode parse_regex(std::string_view pattern, std::vector<Regex::Set>& sets) { return Parser(pattern, sets).parse(); }

}  // namespace mcompress::reference
