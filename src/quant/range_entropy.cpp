// The Kullback-Leibler range: for each length i of a clipped histogram, P is the histogram with all that lies beyond put into its last bin, Q the
// histogram without it, seen through the codes: merged into as many levels as there are codes, each level's mass spread evenly over its bins that
// are not empty. Levels have fractional edges, so that the divergence does not jump with i. Both get kSmoothing of the mass in every bin, which
// keeps log P/Q finite. The smallest divergence wins, of equal ones the longest length.
#include <algorithm>
#include <cmath>

#include "quant/magnitude_histogram.h"
#include "quant/range_method.h"

namespace mcompress {

namespace {

constexpr double kSmoothing = 1e-4;
constexpr std::size_t kStep = 8;  // bins between lengths that are tried first; then every one around the best

class Divergence {
public:
    Divergence(const MagnitudeHistogram& histogram, std::size_t levels) : levels_(levels) {
        double total = 0.0;
        for (const double count : histogram.counts) total += count;
        const std::size_t bins = histogram.counts.size();
        share_.reserve(bins);
        for (const double count : histogram.counts) share_.push_back(count / total);
        mass_.assign(1, 0.0);
        filled_.assign(1, 0.0);
        surprise_.assign(1, 0.0);
        for (const double share : share_) {
            mass_.push_back(mass_.back() + share);
            filled_.push_back(filled_.back() + (share > 0.0 ? 1.0 : 0.0));
            surprise_.push_back(surprise_.back() + (share + kSmoothing) * std::log(share + kSmoothing));
        }
    }

    double of_length(std::size_t length) const {
        const double beyond = mass_.back() - mass_[length];
        const double last = share_[length - 1] + kSmoothing;
        const double entropy = surprise_[length] - last * std::log(last) + (last + beyond) * std::log(last + beyond);
        const double smoothing = static_cast<double>(length) * kSmoothing;
        const double p_total = mass_.back() + smoothing, q_total = mass_[length] + smoothing;
        const double cross = cross_entropy(length, beyond);
        return (entropy - cross) / p_total - std::log(p_total) + std::log(q_total);
    }

private:
    /// A prefix sum between two bins.
    static double at(const std::vector<double>& sums, double edge) {
        const auto bin = static_cast<std::size_t>(edge);
        if (bin + 1 >= sums.size()) return sums.back();
        return sums[bin] + (edge - static_cast<double>(bin)) * (sums[bin + 1] - sums[bin]);
    }

    /// The sum of P log Q, not normalized. Bins inside a level share one logarithm; those on an edge have their own.
    double cross_entropy(std::size_t length, double beyond) const {
        const double step = static_cast<double>(length) / static_cast<double>(levels_);
        double sum = 0.0, q_last = 0.0, shared = 0.0;  // `shared`: what the level before left in the bin on the edge
        for (std::size_t level = 0; level < levels_; ++level) {
            const bool is_last = level + 1 == levels_;
            const double begin = static_cast<double>(level) * step;
            const double end = is_last ? static_cast<double>(length) : static_cast<double>(level + 1) * step;
            const double filled = at(filled_, end) - at(filled_, begin);
            const double even = filled > 0.0 ? (at(mass_, end) - at(mass_, begin)) / filled : 0.0;
            auto first = static_cast<std::size_t>(begin);
            const auto beyond_last = is_last ? length : static_cast<std::size_t>(end);
            if (begin > static_cast<double>(first)) {
                const double q = shared + even * (static_cast<double>(first + 1) - begin);
                sum += log_of_bin(first, q);
                if (first + 1 == length) q_last = q;
                ++first;
            }
            const double filled_inside = filled_[beyond_last] - filled_[first];
            const double p_filled = mass_[beyond_last] - mass_[first] + filled_inside * kSmoothing;
            const double empty = static_cast<double>(beyond_last - first) - filled_inside;
            if (filled_inside > 0.0) sum += p_filled * std::log(even + kSmoothing);
            if (empty > 0.0) sum += empty * kSmoothing * std::log(kSmoothing);
            if (beyond_last == length && beyond_last > first) q_last = even;
            shared = even * (end - static_cast<double>(beyond_last));
        }
        return sum + beyond * std::log((share_[length - 1] > 0.0 ? q_last : 0.0) + kSmoothing);
    }

    double log_of_bin(std::size_t bin, double q) const {
        return (share_[bin] + kSmoothing) * std::log((share_[bin] > 0.0 ? q : 0.0) + kSmoothing);
    }

    std::size_t levels_;
    std::vector<double> share_, mass_, filled_, surprise_;  // of bins; prefix sums
};

}  // namespace

ValueRange choose_entropy(const TensorStatistics& statistics) {
    const MagnitudeHistogram histogram(statistics.histogram);
    const std::size_t levels = histogram.has_both_signs ? 128 : 256;
    const std::size_t bins = histogram.counts.size();
    if (bins < 4 * levels) return choose_min_max(statistics);  // bins as wide as codes tell nothing about codes
    const Divergence divergence(histogram, levels);
    std::size_t best = bins;
    double least = divergence.of_length(bins);
    const auto consider = [&](std::size_t length) {
        const double found = divergence.of_length(length);
        if (found < least || (found == least && length > best)) {
            least = found;
            best = length;
        }
    };
    for (std::size_t length = levels; length < bins; length += kStep) consider(length);
    const std::size_t centre = best;
    for (std::size_t length = std::max(levels, centre - (kStep - 1)); length < std::min(bins, centre + kStep); ++length) consider(length);
    if (best == bins) return choose_min_max(statistics);
    return clip_to_magnitude(statistics, histogram.centre(best));
}

}  // namespace mcompress
