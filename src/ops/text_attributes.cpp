// Reading the attributes of the operators on strings.
#include <algorithm>
#include <limits>

#include "ops/attributes.h"
#include "ops/text.h"

namespace mcompress {

StringNormalizerAttrs StringNormalizerAttrs::read(const Node& node) {
    static constexpr std::string_view kCases[] = {"LOWER", "UPPER", "NONE"};
    StringNormalizerAttrs attrs;
    attrs.letters = enum_attribute(node, "case_change_action", Case::Kept, kCases);
    if (flag_attribute(node, "is_case_sensitive", 0)) attrs.match = Match::Exact;
    attrs.stop_words = strings_attribute(node, "stopwords");
    (void)string_attribute(node, "locale", {});  // letters change as Unicode says, whatever the locale
    return attrs;
}

StringSplitAttrs StringSplitAttrs::read(const Node& node) {
    StringSplitAttrs attrs{string_attribute(node, "delimiter", {}), std::nullopt};
    const std::int64_t splits = int_attribute(node, "maxsplit", -1);
    if (splits >= 0) attrs.max_splits = splits;
    return attrs;
}

RegexFullMatchAttrs RegexFullMatchAttrs::read(const Node& node) { return {string_attribute(node, "pattern", {})}; }

std::int64_t TfIdfVectorizerAttrs::output_size() const {
    return indexes.empty() ? 0 : *std::max_element(indexes.begin(), indexes.end()) + 1;
}

TfIdfVectorizerAttrs TfIdfVectorizerAttrs::read(const Node& node) {
    static constexpr std::string_view kModes[] = {"TF", "IDF", "TFIDF"};
    TfIdfVectorizerAttrs attrs;
    if (!has_attribute(node, "mode")) reject_attribute(node, "mode", "is missing");
    attrs.mode = enum_attribute(node, "mode", Mode::Tf, kModes);
    attrs.min_length = required_int_attribute(node, "min_gram_length");
    attrs.max_length = required_int_attribute(node, "max_gram_length");
    attrs.max_skips = required_int_attribute(node, "max_skip_count");
    attrs.starts = ints_attribute(node, "ngram_counts");
    attrs.indexes = ints_attribute(node, "ngram_indexes");
    attrs.pool_strings = strings_attribute(node, "pool_strings");
    attrs.pool_integers = ints_attribute(node, "pool_int64s");
    attrs.weights = floats_attribute(node, "weights");
    if (attrs.min_length < 1) reject_attribute(node, "min_gram_length", format("is {}", attrs.min_length));
    if (attrs.max_length < attrs.min_length) reject_attribute(node, "max_gram_length", "is below min_gram_length");
    if (attrs.max_skips < 0) reject_attribute(node, "max_skip_count", format("is {}", attrs.max_skips));
    if (!attrs.pool_strings.empty() && !attrs.pool_integers.empty()) reject_attribute(node, "pool_strings", "stands beside pool_int64s");
    const auto pool = static_cast<std::int64_t>(attrs.pool_strings.size() + attrs.pool_integers.size());
    std::int64_t grams = 0;
    for (std::size_t i = 0; i < attrs.starts.size(); ++i) {
        const std::int64_t begin = attrs.starts[i], end = i + 1 < attrs.starts.size() ? attrs.starts[i + 1] : pool;
        const auto length = static_cast<std::int64_t>(i) + 1;
        if (begin < 0 || end < begin || end > pool || (end - begin) % length != 0)
            reject_attribute(node, "ngram_counts", format("does not cut the pool of {} into n-grams", pool));
        grams += (end - begin) / length;
    }
    if (grams != static_cast<std::int64_t>(attrs.indexes.size()))
        reject_attribute(node, "ngram_indexes", format("has {} values for {} n-grams", attrs.indexes.size(), grams));
    for (const std::int64_t index : attrs.indexes)
        if (index < 0 || index == std::numeric_limits<std::int64_t>::max())
            reject_attribute(node, "ngram_indexes", format("holds {}", index));
    if (!attrs.weights.empty() && attrs.weights.size() != attrs.indexes.size())
        reject_attribute(node, "weights", format("has {} values for {} n-grams", attrs.weights.size(), attrs.indexes.size()));
    return attrs;
}

}  // namespace mcompress
