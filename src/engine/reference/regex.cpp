// The matcher: all states of the pattern's automaton are followed at once, letter by letter (Thompson's construction).
#include "engine/reference/regex.h"

#include <algorithm>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/regex_syntax.h"
#include "engine/reference/unicode.h"
#include "ops/text.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

using Instruction = Regex::Instruction;
constexpr std::size_t kMostInstructions = 100'000, kMostSteps = 1'000'000;
constexpr char32_t kNoLetter = 0xFFFFFFFF;  // before and behind the text

/// Emits from the end backwards: every part knows what follows it.
class Compiler {
public:
    explicit Compiler(std::vector<Instruction>& program) : program_(program) {}

    std::int32_t emit(Instruction instruction) {
        if (program_.size() >= kMostInstructions) fail(codes::kTooLarge, "a regular expression of more than {} states", kMostInstructions);
        program_.push_back(instruction);
        return static_cast<std::int32_t>(program_.size()) - 1;
    }

    /// The first instruction of `node` when `next` follows it.
    std::int32_t compile(const RegexNode& node, std::int32_t next) {
        if (++steps_ > kMostSteps) fail(codes::kTooLarge, "the repetitions of a regular expression multiply to more than {}", kMostSteps);
        switch (node.kind) {
            case RegexNode::Kind::Empty: return next;
            case RegexNode::Kind::Letter: return emit({Instruction::Kind::Letter, next, 0, node.set});
            case RegexNode::Kind::Assert: return emit({Instruction::Kind::Assert, next, 0, 0, node.assertion});
            case RegexNode::Kind::Sequence:
                for (auto part = node.parts.rbegin(); part != node.parts.rend(); ++part) next = compile(*part, next);
                return next;
            case RegexNode::Kind::Choice: return choice(node, next);
            case RegexNode::Kind::Repeat: return repeat(node, next);
        }
        return next;
    }

private:
    std::int32_t choice(const RegexNode& node, std::int32_t next) {
        std::int32_t first = compile(node.parts.back(), next);
        for (std::size_t i = node.parts.size() - 1; i-- > 0;) first = emit({Instruction::Kind::Split, compile(node.parts[i], next), first});
        return first;
    }

    std::int32_t repeat(const RegexNode& node, std::int32_t next) {
        std::int32_t first = next;
        if (node.most == RegexNode::kNoBound) {
            const std::int32_t loop = emit({Instruction::Kind::Split, next, next});
            const std::int32_t body = compile(node.parts[0], loop);
            program_[static_cast<std::size_t>(loop)].other = body;
            first = loop;
        } else {
            for (int i = node.least; i < node.most; ++i) first = emit({Instruction::Kind::Split, compile(node.parts[0], first), next});
        }
        for (int i = 0; i < node.least; ++i) first = compile(node.parts[0], first);
        return first;
    }

    std::vector<Instruction>& program_;
    std::size_t steps_ = 0;
};

bool is_word(char32_t letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z') || letter == '_';
}

bool holds(Regex::Assertion assertion, char32_t before, char32_t behind) {
    using Assertion = Regex::Assertion;
    switch (assertion) {
        case Assertion::TextBegin: return before == kNoLetter;
        case Assertion::TextEnd: return behind == kNoLetter;
        case Assertion::LineBegin: return before == kNoLetter || before == '\n';
        case Assertion::LineEnd: return behind == kNoLetter || behind == '\n';
        case Assertion::WordBoundary: return is_word(before) != is_word(behind);
        case Assertion::NoWordBoundary: return is_word(before) == is_word(behind);
    }
    return false;
}

/// The states that are alive at a place of the text.
class States {
public:
    explicit States(const std::vector<Instruction>& program) : program_(&program), seen_(program.size(), 0) {}

    void begin_place() {
        alive_.clear();
        ++place_;
    }

    /// Adds `first` and what follows from it without a letter.
    void add(std::int32_t first, char32_t before, char32_t behind) {
        pending_.assign(1, first);
        while (!pending_.empty()) {
            const auto state = static_cast<std::size_t>(pending_.back());
            pending_.pop_back();
            if (seen_[state] == place_) continue;
            seen_[state] = place_;
            const Instruction& each = (*program_)[state];
            if (each.kind == Instruction::Kind::Split) {
                pending_.push_back(each.next);
                pending_.push_back(each.other);
            } else if (each.kind == Instruction::Kind::Assert) {
                if (holds(each.assertion, before, behind)) pending_.push_back(each.next);
            } else {
                alive_.push_back(state);
            }
        }
    }

    const std::vector<std::size_t>& alive() const { return alive_; }

private:
    const std::vector<Instruction>* program_;
    std::vector<std::size_t> seen_, alive_;  // seen_: the last place where a state was added
    std::vector<std::int32_t> pending_;
    std::size_t place_ = 0;
};

}  // namespace

bool Regex::Set::holds(char32_t letter) const {
    const auto found = [&](char32_t each) {
        return std::any_of(ranges.begin(), ranges.end(), [&](const Range& range) { return each >= range.first && each <= range.last; });
    };
    const bool is_inside = found(letter) || (ignores_case && (found(lower_case(letter)) || found(upper_case(letter))));
    return is_inside != is_negated;
}

Regex::Regex(std::string_view pattern) {
    const RegexNode tree = parse_regex(pattern, sets_);
    Compiler compiler(program_);
    start_ = compiler.compile(tree, compiler.emit({Instruction::Kind::Match}));
}

bool Regex::matches(std::string_view text) const {
    const std::vector<char32_t> letters = decode_utf8(text);
    const auto letter_at = [&](std::size_t i) { return i < letters.size() ? letters[i] : kNoLetter; };
    States now(program_), then(program_);
    now.begin_place();
    now.add(start_, kNoLetter, letter_at(0));
    for (std::size_t i = 0; i < letters.size() && !now.alive().empty(); ++i) {
        then.begin_place();
        for (const std::size_t state : now.alive()) {
            const Instruction& each = program_[state];
            if (each.kind == Instruction::Kind::Letter && sets_[static_cast<std::size_t>(each.set)].holds(letters[i]))
                then.add(each.next, letters[i], letter_at(i + 1));
        }
        std::swap(now, then);
    }
    return std::any_of(now.alive().begin(), now.alive().end(),
                       [&](std::size_t state) { return program_[state].kind == Instruction::Kind::Match; });
}

namespace {

void regex_full_match(const KernelContext& context) {
    const Regex regex(attrs<RegexFullMatchAttrs>(context.node).pattern);
    const Tensor& x = context.required(0);
    if (x.dtype() != DType::String) context.reject_dtype(x.dtype());
    bool* to = context.make_output(0, DType::Bool, x.shape()).mutable_data<bool>();
    for (const std::string& text : x.strings()) *to++ = regex.matches(text);
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "RegexFullMatch", regex_full_match},
};
// clang-format on

}  // namespace

std::span<const KernelRow> regex_kernels() { return kRows; }

}  // namespace mcompress::reference
