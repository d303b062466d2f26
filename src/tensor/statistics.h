// Streaming statistics of a tensor over many samples, mergeable exactly in any order.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace mcompress {

/// What one look at an array tells.
struct ValueSummary {
    float min = 0.0f;  // over finite elements; 0 when there is none. Never -0.
    float max = 0.0f;
    std::uint64_t finite = 0;
    std::uint64_t zeros = 0;  // exact zeros of either sign
    std::uint64_t nans = 0;
    std::uint64_t infinities = 0;

    bool all_finite() const { return nans == 0 && infinities == 0; }
    /// Adds what a look at other values told.
    void add(const ValueSummary& other);
};

/// One pass over the values.
ValueSummary summarize(std::span<const float> values);

enum class Counting;

/// A histogram whose bins are anchored at zero and a power of two wide: bin i of a side holds |x| in [i*w, (i+1)*w), w = 2^exponent.
/// When a value falls beyond the last bin, neighbours merge pairwise and the width doubles; floor(floor(x/w)/2) = floor(x/2w) makes the
/// counts independent of the order of samples and of merging: the exponent is the smallest that holds the greatest magnitude seen.
/// Exact zeros and values that are not finite are not binned. Of samples of `thinned_from` values and more, one of four groups of 16 values is
/// binned, and counts four times, of those of four times as many one of eight: which, is fixed by the place in the sample (choice_of_piece in value_kernels.h).
class AnchoredHistogram {
public:
    static constexpr int kBins = 4096;         // a side
    static constexpr int kMinExponent = -149;  // the narrowest bins a float can need
    static constexpr int kMaxExponent = 116;   // 4096 bins reach beyond the greatest float

    static constexpr std::size_t kThinnedFrom = std::size_t{1} << 15;

    /// Adds one sample's values. Returns what the one look at all of them told.
    ValueSummary add(std::span<const float> values, std::size_t thinned_from = kThinnedFrom);
    void merge(const AnchoredHistogram& other);

    int exponent() const { return exponent_; }
    double bin_width() const;
    bool empty() const { return !has_positive_ && !has_negative_; }
    /// Counts of a side; empty when no value of that sign was seen.
    std::span<const std::uint64_t> positive() const {
        return has_positive_ ? std::span(counts_).first(kBins) : std::span(counts_).first(0);
    }
    std::span<const std::uint64_t> negative() const { return has_negative_ ? std::span(counts_).last(kBins) : std::span(counts_).first(0); }

    bool operator==(const AnchoredHistogram&) const = default;
    /// Throws kTableInvalid when the exponent is out of range or a side has neither 0 nor kBins counts.
    static AnchoredHistogram from_counts(int exponent, std::vector<std::uint64_t> positive, std::vector<std::uint64_t> negative);

private:
    enum class Side { Positive, Negative };
    void widen_to(int exponent);
    void open(Side side);
    void add_side(Side side, std::span<const std::uint64_t> counts);
    void make_room(const ValueSummary& summary);
    ValueSummary add_slowly(std::span<const float> values, Counting wanted, std::uint64_t first_piece);
    ValueSummary add_fast(std::span<const float> values, Counting counting, std::uint64_t first_piece);
    void settle(std::span<std::uint32_t> counters);

    int exponent_ = kMinExponent;
    bool has_positive_ = false;
    bool has_negative_ = false;
    std::vector<std::uint64_t> counts_;  // the positive side, and behind it the negative one where there is one
};

/// A sum of floats that does not depend on the order of addition: every float is an integer multiple of 2^-149, so the sum is kept exactly
/// in a wide fixed-point number.
class ExactSum {
public:
    void add(double value);  // a finite value that is exactly a float
    void add(const ExactSum& other);
    /// Rounded to double (half to even), the same for every order of addition.
    double value() const;
    bool operator==(const ExactSum&) const = default;
    std::span<const std::uint64_t> words() const { return words_; }
    /// Throws kTableInvalid when there are not exactly five words.
    static ExactSum from_words(std::span<const std::uint64_t> words);

private:
    // two's complement, word 0 least significant, unit 2^-149; 5 words hold 2^42 floats of the greatest magnitude
    std::array<std::uint64_t, 5> words_{};
};

struct TensorStatistics {
    std::uint64_t count = 0;  // finite elements
    std::uint64_t zeros = 0;  // exact zeros among them
    std::uint64_t nan_count = 0;
    std::uint64_t infinite_count = 0;
    std::uint64_t samples = 0;  // calls of add_sample with at least one finite element
    float min = 0.0f;           // over finite elements; 0 when there is none
    float max = 0.0f;
    ExactSum sum_of_minima;  // of per-sample minima and maxima, for the mean-min-max range
    ExactSum sum_of_maxima;
    AnchoredHistogram histogram;

    /// Adds one sample's values; from how many on its histogram counts a part of them. Order within a smaller sample does not matter.
    void add_sample(std::span<const float> values, std::size_t thinned_from = AnchoredHistogram::kThinnedFrom);
    /// Exact: any order of add_sample and merge over the same samples gives equal statistics.
    void merge(const TensorStatistics& other);
    bool operator==(const TensorStatistics&) const = default;
};

}  // namespace mcompress
