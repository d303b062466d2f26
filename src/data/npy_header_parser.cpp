#include "data/npy_header_parser.h"

#include <charconv>

#include "support/error.h"

namespace mcompress {

namespace {

class Parser {
public:
    Parser(std::string_view text, std::string_view what) : text_(text), what_(what) {}

    NpyFields parse() {
        NpyFields fields;
        unsigned seen = 0;
        expect('{');
        while (!accept('}')) {
            const std::string key = quoted();
            expect(':');
            if (key == "descr") {
                seen |= take(1, seen);
                if (peek() == '[')
                    throw Error(codes::kDataInvalid, format("{} holds records (a structured dtype), not one array", what_),
                                "save each field as an array of its own");
                fields.descr = quoted();
            } else if (key == "fortran_order") {
                seen |= take(2, seen);
                fields.is_fortran = boolean();
            } else if (key == "shape") {
                seen |= take(4, seen);
                fields.shape = tuple();
            } else {
                fail_here(format("unknown key '{}'", key));
            }
            if (!accept(',') && peek() != '}') fail_here("',' or '}' is missing");
        }
        skip_space();
        if (seen != 7 || at_ != text_.size()) fail_here("it is incomplete or has more than one value");
        return fields;
    }

private:
    [[noreturn]] void fail_here(std::string_view problem) const {
        throw Error(codes::kDataInvalid, format("{} has a damaged .npy header: {}", what_, problem), "save it again with numpy.save");
    }

    unsigned take(unsigned flag, unsigned seen) const {
        if (seen & flag) fail_here("a key comes twice");
        return flag;
    }

    void skip_space() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
    }

    char peek() {
        skip_space();
        return at_ < text_.size() ? text_[at_] : '\0';
    }

    bool accept(char wanted) {
        if (peek() != wanted) return false;
        ++at_;
        return true;
    }

    void expect(char wanted) {
        if (!accept(wanted)) fail_here(format("'{}' is missing", wanted));
    }

    std::string quoted() {
        const char quote = peek();
        if (quote != '\'' && quote != '"') fail_here("a string is missing");
        const std::size_t end = text_.find(quote, at_ + 1);
        if (end == std::string_view::npos) fail_here("a string does not end");
        std::string result(text_.substr(at_ + 1, end - at_ - 1));
        at_ = end + 1;
        return result;
    }

    bool boolean() {
        peek();
        for (const auto& [word, value] : {std::pair<std::string_view, bool>{"True", true}, {"False", false}})
            if (text_.substr(at_).starts_with(word)) {
                at_ += word.size();
                return value;
            }
        fail_here("True or False is missing");
    }

    std::vector<std::int64_t> tuple() {
        std::vector<std::int64_t> values;
        expect('(');
        while (!accept(')')) {
            if (values.size() == 64) fail_here("it has more than 64 dimensions");
            peek();
            std::int64_t value = 0;
            const char* begin = text_.data() + at_;
            const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
            if (error != std::errc{} || value < 0) fail_here("a dimension is not a number");
            at_ += static_cast<std::size_t>(end - begin);
            accept('L');  // Python 2 wrote long integers so
            values.push_back(value);
            if (!accept(',') && peek() != ')') fail_here("')' is missing");
        }
        return values;
    }

    std::string_view text_;
    std::string_view what_;
    std::size_t at_ = 0;
};

}  // namespace

NpyFields parse_npy_fields(std::string_view text, std::string_view what) { return Parser(text, what).parse(); }

}  // namespace mcompress
