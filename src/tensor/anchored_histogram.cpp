#include <algorithm>
#include <bit>
#include <cmath>

#include "support/error.h"
#include "tensor/statistics.h"

namespace mcompress {

namespace {

constexpr int kBins = AnchoredHistogram::kBins;
constexpr std::size_t kChunk = 4;  // values whose slots are computed together
// Neighbours often fall into one bin, and an increment waits for the one before it on the same counter: they take turns on two arrays.
// More arrays would not fit into the first-level cache.
constexpr std::size_t kParts = 2;
constexpr std::size_t kZeroSlot = 2 * kBins;
constexpr std::size_t kSlots = 2 * kBins + 1;              // positive bins, negative bins, the zeros
constexpr std::size_t kFlushAfter = std::size_t{1} << 30;  // before a 32-bit counter can overflow

/// The smallest exponent whose bins hold the magnitude: magnitude / 2^e < kBins.
int exponent_for(float magnitude) {
    if (magnitude == 0.0f) return AnchoredHistogram::kMinExponent;
    return std::max(AnchoredHistogram::kMinExponent, std::ilogb(magnitude) - std::countr_zero(static_cast<unsigned>(kBins)) + 1);
}

void merge_bins(std::vector<std::uint64_t>& counts, int halvings) {
    if (counts.empty() || halvings == 0) return;
    std::vector<std::uint64_t> wider(counts.size(), 0);
    for (std::size_t bin = 0; bin < counts.size(); ++bin) wider[halvings < 63 ? bin >> halvings : 0] += counts[bin];
    counts = std::move(wider);
}

void add_counts(std::vector<std::uint64_t>& counts, std::span<const std::uint64_t> others) {
    if (others.empty()) return;
    counts.resize(static_cast<std::size_t>(kBins), 0);
    for (std::size_t bin = 0; bin < others.size(); ++bin) counts[bin] += others[bin];
}

typedef float Floats __attribute__((vector_size(16)));
typedef std::int32_t Ints __attribute__((vector_size(16)));

/// The slots of four finite values. `scale` is a power of two, so the product is exact (or underflows, which stays in bin 0).
Ints find_slots(const float* values, float scale) {
    Ints bits;
    __builtin_memcpy(&bits, values, sizeof bits);
    const Ints magnitude_bits = bits & 0x7FFFFFFF;
    Floats magnitude;
    __builtin_memcpy(&magnitude, &magnitude_bits, sizeof magnitude);
    const Ints bins = __builtin_convertvector(magnitude * scale, Ints) + ((bits >> 31) & kBins);
    const Ints is_zero = magnitude_bits == 0;
    return (bins & ~is_zero) | (is_zero & static_cast<std::int32_t>(kZeroSlot));
}

}  // namespace

double AnchoredHistogram::bin_width() const { return std::ldexp(1.0, exponent_); }

void AnchoredHistogram::widen_to(int exponent) {
    if (exponent <= exponent_) return;
    merge_bins(positive_, exponent - exponent_);
    merge_bins(negative_, exponent - exponent_);
    exponent_ = exponent;
}

void AnchoredHistogram::add(std::span<const float> values, const ValueSummary& summary) {
    if (summary.zeros == summary.finite) return;
    widen_to(exponent_for(std::max(-summary.min, summary.max)));
    if (summary.max > 0.0f) positive_.resize(static_cast<std::size_t>(kBins), 0);
    if (summary.min < 0.0f) negative_.resize(static_cast<std::size_t>(kBins), 0);
    constexpr std::size_t kWorthwhile = kBins;  // clearing and adding up the counters must pay
    constexpr int kLeastFastExponent = -126;    // 2^-exponent must be a float
    if (values.size() >= kWorthwhile && summary.all_finite() && exponent_ >= kLeastFastExponent)
        while (values.size() >= kChunk) {
            const std::size_t count = std::min(kFlushAfter, values.size() / kChunk * kChunk);
            add_fast(values.first(count), summary);
            values = values.subspan(count);
        }
    add_exactly(values);
}

void AnchoredHistogram::add_exactly(std::span<const float> values) {
    const double scale = std::ldexp(1.0, -exponent_);
    for (const float x : values) {
        if (!std::isfinite(x) || x == 0.0f) continue;
        auto& side = x > 0.0f ? positive_ : negative_;
        ++side[static_cast<std::size_t>(std::fabs(static_cast<double>(x)) * scale)];
    }
}

void AnchoredHistogram::add_fast(std::span<const float> values, const ValueSummary& summary) {
    std::array<std::array<std::uint32_t, kSlots>, kParts> counters;  // only the slots that can be reached are cleared
    const float scale = std::ldexp(1.0f, -exponent_);
    const std::size_t above = summary.max > 0.0f ? static_cast<std::size_t>(summary.max * scale) + 1 : 0;
    const std::size_t below = summary.min < 0.0f ? static_cast<std::size_t>(-summary.min * scale) + 1 : 0;
    for (auto& part : counters) {
        std::fill_n(part.begin(), above, 0u);
        std::fill_n(part.begin() + kBins, below, 0u);
        part[kZeroSlot] = 0;
    }
    for (std::size_t at = 0; at < values.size(); at += kChunk) {
        const Ints slots = find_slots(&values[at], scale);
        ++counters[0][static_cast<std::uint32_t>(slots[0])];  // written out: a loop would go through memory
        ++counters[1][static_cast<std::uint32_t>(slots[1])];
        ++counters[0][static_cast<std::uint32_t>(slots[2])];
        ++counters[1][static_cast<std::uint32_t>(slots[3])];
    }
    for (const auto& part : counters) {
        for (std::size_t bin = 0; bin < above; ++bin) positive_[bin] += part[bin];
        for (std::size_t bin = 0; bin < below; ++bin) negative_[bin] += part[bin + kBins];
    }
}

void AnchoredHistogram::merge(const AnchoredHistogram& other) {
    widen_to(other.exponent_);
    if (other.exponent_ == exponent_) {
        add_counts(positive_, other.positive_);
        add_counts(negative_, other.negative_);
        return;
    }
    AnchoredHistogram widened = other;
    widened.widen_to(exponent_);
    add_counts(positive_, widened.positive_);
    add_counts(negative_, widened.negative_);
}

AnchoredHistogram AnchoredHistogram::from_counts(int exponent, std::vector<std::uint64_t> positive, std::vector<std::uint64_t> negative) {
    const auto fits = [](const auto& counts) { return counts.empty() || counts.size() == static_cast<std::size_t>(kBins); };
    if (exponent < kMinExponent || exponent > kMaxExponent || !fits(positive) || !fits(negative))
        throw Error(codes::kTableInvalid,
                    format("a histogram has exponent {} and {} + {} bins", exponent, positive.size(), negative.size()), "calibrate again");
    AnchoredHistogram histogram;
    histogram.exponent_ = exponent;
    histogram.positive_ = std::move(positive);
    histogram.negative_ = std::move(negative);
    return histogram;
}

}  // namespace mcompress
