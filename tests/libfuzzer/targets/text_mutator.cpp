#include "libfuzzer/targets/text_mutator.h"

#include <cstring>
#include <string>

#include "fixtures/random_tensors.h"

namespace mcompress::fuzzing {

namespace {

using testing::Random;

constexpr std::string_view kValues[] = {"0",
                                        "1",
                                        "-1",
                                        "true",
                                        "false",
                                        "null",
                                        "\"\"",
                                        "[]",
                                        "{}",
                                        "1e308",
                                        "1e309",
                                        "-0.0",
                                        "0.5",
                                        "18446744073709551615",
                                        "18446744073709551616",
                                        "-9223372036854775808",
                                        "4294967296",
                                        "1e-46",
                                        "3.5e38",
                                        "[[[[[[[[[[]]]]]]]]]]",
                                        "\"\\u0000\"",
                                        "\"\\ud800\"",
                                        "\"\xff\"",
                                        "[1,2,3]"};

struct Piece {
    std::size_t begin;
    std::size_t end;
};

/// The token that begins at or behind `at`: a string, a word, or everything between brackets.
Piece piece_at(std::string_view text, std::size_t at) {
    while (at < text.size() && (text[at] == ' ' || text[at] == ',' || text[at] == ':' || text[at] == '\n')) ++at;
    if (at >= text.size()) return {text.size(), text.size()};
    std::size_t end = at + 1;
    if (text[at] == '"') {
        while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
        return {at, std::min(end + 1, text.size())};
    }
    if (text[at] == '{' || text[at] == '[') {
        int depth = 1;
        for (; end < text.size() && depth > 0; ++end) {
            if (text[end] == '{' || text[end] == '[') ++depth;
            if (text[end] == '}' || text[end] == ']') --depth;
        }
        return {at, end};
    }
    while (end < text.size() && std::string_view(" ,:\n]}").find(text[end]) == std::string_view::npos) ++end;
    return {at, end};
}

std::string change(std::string text, Random& random, std::span<const std::string_view> words) {
    const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random.next() % bound); };
    const Piece piece = piece_at(text, text.empty() ? 0 : below(text.size()));
    const std::string old = text.substr(piece.begin, piece.end - piece.begin);
    const auto replace = [&](std::string_view with) { text.replace(piece.begin, old.size(), with); };
    switch (below(7)) {
        case 0: replace(""); break;
        case 1: replace(old + "," + old); break;
        case 2: {
            const Piece other = piece_at(text, text.empty() ? 0 : below(text.size()));
            replace(text.substr(other.begin, other.end - other.begin));
            break;
        }
        case 3: replace("[" + old + "]"); break;
        case 4:
        case 5: replace(kValues[below(std::size(kValues))]); break;
        default:
            if (!words.empty()) replace("\"" + std::string(words[below(words.size())]) + "\"");
    }
    return text;
}

}  // namespace

std::size_t mutate_json(const Mutation& mutation, std::span<const std::string_view> words) {
    Random random(mutation.seed);
    if (random.chance(25)) return mutation.bytes(mutation.data, mutation.size, mutation.most);
    std::string text(reinterpret_cast<const char*>(mutation.data), mutation.size);
    for (int count = random.chance(70) ? 1 : 3; count > 0; --count) text = change(std::move(text), random, words);
    if (text.size() > mutation.most) return mutation.bytes(mutation.data, mutation.size, mutation.most);
    std::memcpy(mutation.data, text.data(), text.size());
    return text.size();
}

}  // namespace mcompress::fuzzing
