// Where zeros may lie in a layer's weights: the table of patterns.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mcompress {

enum class PatternKind { Unstructured, NOfM, Blocks };

/// One row a kind: what users call it, and what gains from it.
struct PatternRow {
    PatternKind kind;
    std::string_view name;       // as in help: "N:M"
    std::string_view summary;    // a clause
    std::string_view faster_on;  // a sentence for the report
};

std::span<const PatternRow> all_patterns();

struct Pattern {
    PatternKind kind = PatternKind::Unstructured;
    int kept = 1, of = 1;           // NOfM: at most `kept` of each `of` consecutive input channels are not zero
    int outputs = 1, channels = 1;  // Block: output channels by input channels that are zero together

    bool operator==(const Pattern&) const = default;
};

/// "unstructured", "2:4", "1x4". Throws kUsage for anything else, and for extents beyond 64.
Pattern parse_pattern(std::string_view text);
std::string pattern_name(const Pattern& pattern);
const PatternRow& pattern_row(const Pattern& pattern);

/// A layer's weights as patterns see them: [outputs, channels * taps], where input channel c and tap t are column c taps + t.
struct WeightGrid {
    std::int64_t outputs = 0;   // of all groups
    std::int64_t channels = 0;  // that one output sums over
    std::int64_t taps = 1;
    std::int64_t groups = 1;  // blocks do not cross them

    std::int64_t columns() const { return channels * taps; }
    std::int64_t size() const { return outputs * columns(); }
    bool is_depthwise() const { return groups > 1 && channels == 1; }
};

/// Why a layer cannot have the pattern, a clause; empty when it can.
std::string why_not(const Pattern& pattern, const WeightGrid& grid);

}  // namespace mcompress
