// Attributes of the operators on strings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ir/node.h"

namespace mcompress {

/// Takes stop words out, then changes the case.
struct StringNormalizerAttrs {
    enum class Case { Lower, Upper, Kept };
    enum class Match { AnyCase, Exact };  // of stop words
    Case letters = Case::Kept;
    Match match = Match::AnyCase;
    std::vector<std::string> stop_words;
    static StringNormalizerAttrs read(const Node& node);
};

/// Splits at a delimiter, at white space when it is empty; into at most max_splits + 1 parts.
struct StringSplitAttrs {
    std::string delimiter;
    std::optional<std::int64_t> max_splits;
    static StringSplitAttrs read(const Node& node);
};

/// Whether a string as a whole matches a regular expression in RE2's syntax.
struct RegexFullMatchAttrs {
    std::string pattern;
    static RegexFullMatchAttrs read(const Node& node);
};

/// Counts n-grams of a pool.
struct TfIdfVectorizerAttrs {
    enum class Mode { Tf, Idf, TfIdf };  // counts, whether there is one, counts; the last two times the weight
    Mode mode = Mode::Tf;
    std::int64_t min_length = 1, max_length = 1, max_skips = 0;
    std::vector<std::int64_t> starts;   // of the 1-grams, 2-grams … in the pool
    std::vector<std::int64_t> indexes;  // of every n-gram in the output
    std::vector<std::string> pool_strings;
    std::vector<std::int64_t> pool_integers;  // one of the two pools is empty
    std::vector<float> weights;               // one an n-gram, or none

    std::int64_t output_size() const;
    static TfIdfVectorizerAttrs read(const Node& node);
};

}  // namespace mcompress
