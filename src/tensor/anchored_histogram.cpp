#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "support/error.h"
#include "tensor/statistics.h"
#include "tensor/value_kernels.h"

namespace mcompress {

namespace {

constexpr int kBins = AnchoredHistogram::kBins;
/// The smallest exponent whose bins hold the magnitude: magnitude / 2^e < kBins.
int exponent_for(float magnitude) {
    if (magnitude == 0.0f) return AnchoredHistogram::kMinExponent;
    return std::max(AnchoredHistogram::kMinExponent, std::ilogb(magnitude) - std::countr_zero(static_cast<unsigned>(kBins)) + 1);
}

/// Merges neighbours of one side 2^halvings at a time, in place.
void merge_bins(std::span<std::uint64_t> counts, int halvings) {
    for (std::size_t bin = 0; bin < counts.size(); ++bin) {
        const std::uint64_t count = std::exchange(counts[bin], 0);
        counts[halvings < 63 ? bin >> halvings : 0] += count;
    }
}

constexpr std::size_t kCountersTogether = 16;
static_assert(kBins % kCountersTogether == 0);
typedef std::uint32_t Counters __attribute__((vector_size(4 * kCountersTogether)));
typedef std::uint64_t Totals __attribute__((vector_size(8 * kCountersTogether)));

/// Adds some neighbouring counters to their totals and makes them 0.
void add_and_clear(std::uint32_t* counters, std::uint64_t* totals) {
    Counters found;
    Totals sums;
    __builtin_memcpy(&found, counters, sizeof found);
    __builtin_memcpy(&sums, totals, sizeof sums);
    sums += __builtin_convertvector(found, Totals);
    __builtin_memcpy(totals, &sums, sizeof sums);
    __builtin_memset(counters, 0, sizeof found);
}

/// The greatest magnitude that has a bin.
float last_magnitude(int exponent) {
    if (exponent >= AnchoredHistogram::kMaxExponent) return std::numeric_limits<float>::max();
    return std::nextafter(std::ldexp(static_cast<float>(kBins), exponent), 0.0f);
}

}  // namespace

double AnchoredHistogram::bin_width() const { return std::ldexp(1.0, exponent_); }

void AnchoredHistogram::widen_to(int exponent) {
    if (exponent <= exponent_) return;
    for (std::size_t side = 0; side < counts_.size(); side += kBins)
        merge_bins(std::span(counts_).subspan(side, kBins), exponent - exponent_);
    exponent_ = exponent;
}

void AnchoredHistogram::open(Side side) {
    (side == Side::Positive ? has_positive_ : has_negative_) = true;
    counts_.resize(static_cast<std::size_t>(has_negative_ ? 2 * kBins : kBins), 0);
}

void AnchoredHistogram::make_room(const ValueSummary& summary) {
    if (summary.zeros == summary.finite) return;
    widen_to(exponent_for(std::max(-summary.min, summary.max)));
    if (summary.max > 0.0f) open(Side::Positive);
    if (summary.min < 0.0f) open(Side::Negative);
}

ValueSummary AnchoredHistogram::add(std::span<const float> values, std::size_t thinned_from) {
    constexpr std::size_t kThinnedMore = 4;     // times as many: then an eighth leaves twice what a quarter of `thinned_from` does
    constexpr std::size_t kWorthwhile = kBins;  // clearing and adding up the counters must pay
    constexpr std::size_t kAtOnce = std::size_t{1} << 31;  // before a counter can overflow
    const Counting counting = values.size() / kThinnedMore >= thinned_from ? Counting::Eighth
                              : values.size() >= thinned_from              ? Counting::Quarter
                                                                           : Counting::All;
    ValueSummary summary;
    for (std::size_t at = 0; at < values.size(); at += kAtOnce) {
        const auto part = values.subspan(at, std::min(kAtOnce, values.size() - at));
        const bool is_fast = part.size() >= kWorthwhile;
        summary.add(is_fast ? add_fast(part, counting, at / kCountedPiece) : add_slowly(part, counting, at / kCountedPiece));
    }
    summary.min += 0.0f;  // never -0
    summary.max += 0.0f;
    return summary;
}

ValueSummary AnchoredHistogram::add_fast(std::span<const float> values, Counting counting, std::uint64_t first_piece) {
    constexpr int kLeastExponent = -126;  // 2^-exponent must be a float
    static const ValueKernels& kernels = best_value_kernels();
    alignas(64) std::array<std::uint32_t, 2 * kBins> counters{};
    ValueSummary summary;
    for (std::size_t at = 0; at < values.size();) {
        if (exponent_ >= kLeastExponent) {
            const float last = last_magnitude(exponent_);
            const CounterTable table{.counts = counters.data(),
                                     .scale = std::ldexp(1.0f, -exponent_),
                                     .lowest = has_negative_ ? -last : 0.0f,
                                     .highest = has_positive_ ? last : 0.0f,
                                     .counting = counting,
                                     .first_piece = first_piece + at / kCountedPiece};
            at += kernels.count(values.subspan(at), table, summary);
            if (at == values.size()) break;
        }
        // A value beyond the bins, which may be NaN or infinite.
        const auto piece = values.subspan(at, std::min(kCountedPiece, values.size() - at));
        settle(counters);
        const ValueSummary found = summarize(piece);
        make_room(found);
        if (found.all_finite() && exponent_ >= kLeastExponent) continue;
        summary.add(add_slowly(piece, counting, first_piece + at / kCountedPiece));
        at += piece.size();
    }
    settle(counters);
    return summary;
}

void AnchoredHistogram::settle(std::span<std::uint32_t> counters) {
    for (std::size_t bin = 0; bin < counts_.size(); bin += kCountersTogether) add_and_clear(&counters[bin], &counts_[bin]);
}

ValueSummary AnchoredHistogram::add_slowly(std::span<const float> values, Counting wanted, std::uint64_t first_piece) {
    ValueSummary summary;
    for (std::uint64_t number = first_piece; !values.empty(); ++number) {
        const auto piece = values.first(std::min(kCountedPiece, values.size()));
        const ValueSummary found = summarize(piece);
        make_room(found);
        const double scale = std::ldexp(1.0, -exponent_);
        const std::uint64_t choice = choice_of_piece(number);
        const Counting counting = counting_of_piece(wanted, found.finite - found.zeros);
        for (std::size_t at = 0; at < piece.size(); ++at) {
            const float x = piece[at];
            if (!std::isfinite(x) || x == 0.0f || !is_counted(counting, choice, at)) continue;
            const auto bin = static_cast<std::size_t>(std::fabs(static_cast<double>(x)) * scale);
            counts_[x > 0.0f ? bin : bin + kBins] += weight_of(counting);
        }
        summary.add(found);
        values = values.subspan(piece.size());
    }
    return summary;
}

void AnchoredHistogram::add_side(Side side, std::span<const std::uint64_t> counts) {
    if (counts.empty()) return;
    open(side);
    std::uint64_t* const into = counts_.data() + (side == Side::Positive ? 0 : kBins);
    for (std::size_t bin = 0; bin < counts.size(); ++bin) into[bin] += counts[bin];
}

void AnchoredHistogram::merge(const AnchoredHistogram& other) {
    widen_to(other.exponent_);
    AnchoredHistogram widened;
    if (other.exponent_ != exponent_) {
        widened = other;
        widened.widen_to(exponent_);
    }
    const AnchoredHistogram& added = other.exponent_ != exponent_ ? widened : other;
    add_side(Side::Positive, added.positive());
    add_side(Side::Negative, added.negative());
}

AnchoredHistogram AnchoredHistogram::from_counts(int exponent, std::vector<std::uint64_t> positive, std::vector<std::uint64_t> negative) {
    const auto fits = [](const auto& counts) { return counts.empty() || counts.size() == static_cast<std::size_t>(kBins); };
    if (exponent < kMinExponent || exponent > kMaxExponent || !fits(positive) || !fits(negative))
        throw Error(codes::kTableInvalid,
                    format("a histogram has exponent {} and {} + {} bins", exponent, positive.size(), negative.size()), "calibrate again");
    AnchoredHistogram histogram;
    histogram.exponent_ = exponent;
    histogram.add_side(Side::Positive, positive);
    histogram.add_side(Side::Negative, negative);
    return histogram;
}

}  // namespace mcompress
