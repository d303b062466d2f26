// Operators on strings. They are carried, not typed beyond what is plain.
#include "ops/infer_rules.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "RegexFullMatch", 20, 1, 1, 1, 1, infer_nothing},
    {"", "StringConcat", 20, 2, 2, 1, 1, infer_nothing},
    {"", "StringNormalizer", 10, 1, 1, 1, 1, infer_nothing},
    {"", "StringSplit", 20, 1, 1, 2, 2, infer_nothing},
    {"", "TfIdfVectorizer", 9, 1, 1, 1, 1, infer_nothing},
};
// clang-format on

}  // namespace

std::span<const OpInfo> text_rows() { return kRows; }

}  // namespace mcompress
