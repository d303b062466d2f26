#include "prune/mask.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "support/check.h"

namespace mcompress {
namespace {

/// What becomes zero together: up to `outputs` x `channels` weights of one tap.
struct Unit {
    double score = 0.0;  // the mean
    std::int64_t output = 0, channel = 0, tap = 0;
    std::int64_t outputs = 1, channels = 1;

    std::int64_t size() const { return outputs * channels; }
};

template <typename Visit> void for_each_weight(const WeightGrid& grid, const Unit& unit, Visit&& visit) {
    for (std::int64_t output = unit.output; output < unit.output + unit.outputs; ++output)
        for (std::int64_t channel = unit.channel; channel < unit.channel + unit.channels; ++channel)
            visit(static_cast<std::size_t>(output * grid.columns() + channel * grid.taps + unit.tap));
}

std::vector<Unit> units_of(const WeightGrid& grid, int outputs, int channels, std::span<const double> scores, std::int64_t first,
                           std::int64_t last) {
    std::vector<Unit> units;
    const std::int64_t in_group = grid.outputs / grid.groups;
    for (std::int64_t output = first; output < last;) {
        const std::int64_t height = std::min<std::int64_t>(outputs, std::min(in_group - output % in_group, last - output));
        for (std::int64_t channel = 0; channel < grid.channels; channel += channels)
            for (std::int64_t tap = 0; tap < grid.taps; ++tap) {
                Unit unit{0.0, output, channel, tap, height, std::min<std::int64_t>(channels, grid.channels - channel)};
                for_each_weight(grid, unit, [&](std::size_t at) { unit.score += scores[at]; });
                unit.score /= static_cast<double>(unit.size());
                units.push_back(unit);
            }
        output += height;
    }
    return units;
}

/// The bits of a number, in an order of integers that is that of the numbers.
std::uint64_t ordered_bits(double score) {
    const auto bits = std::bit_cast<std::uint64_t>(score);
    return bits >> 63U ? ~bits : bits | std::uint64_t{1} << 63U;
}

/// The score with `rank` others before it in sorted order, found digit by digit: a layer may have more weights than there is memory for a sorted copy.
std::uint64_t score_of_rank(std::span<const double> scores, std::uint64_t rank) {
    constexpr unsigned kDigit = 16;
    std::uint64_t found = 0, known = 0;
    for (unsigned shift = 64 - kDigit;; shift -= kDigit) {
        std::vector<std::uint64_t> counts(std::size_t{1} << kDigit, 0);
        for (const double score : scores) {
            const std::uint64_t bits = ordered_bits(score);
            if ((bits & known) == found) ++counts[bits >> shift & (counts.size() - 1)];
        }
        std::uint64_t digit = 0;
        for (; rank >= counts[digit]; ++digit) rank -= counts[digit];
        found |= digit << shift;
        known |= static_cast<std::uint64_t>(counts.size() - 1) << shift;
        if (shift == 0) return found;
    }
}

std::uint64_t score_of_rank_of_few(std::span<const double> scores, std::uint64_t rank) {
    std::vector<std::uint64_t> bits(scores.size());
    std::transform(scores.begin(), scores.end(), bits.begin(), ordered_bits);
    std::nth_element(bits.begin(), bits.begin() + static_cast<std::ptrdiff_t>(rank), bits.end());
    return bits[rank];
}

/// Zeroes the weights that score least, of equal ones the first.
void take_least_weights(std::span<const double> scores, std::int64_t zeros, std::span<std::uint8_t> mask) {
    constexpr std::size_t kFew = std::size_t{1} << 18;
    if (zeros <= 0) return;
    const auto rank = static_cast<std::uint64_t>(zeros) - 1;
    const std::uint64_t last = scores.size() <= kFew ? score_of_rank_of_few(scores, rank) : score_of_rank(scores, rank);
    std::int64_t equal = zeros - std::count_if(scores.begin(), scores.end(), [&](double score) { return ordered_bits(score) < last; });
    for (std::size_t at = 0; at < scores.size(); ++at) {
        const std::uint64_t bits = ordered_bits(scores[at]);
        if (bits < last || (bits == last && equal-- > 0)) mask[at] = 0;
    }
}

/// Zeroes the units of the outputs [first, last) that score least.
void take_least(const WeightGrid& grid, const Pattern& pattern, std::span<const double> scores, std::int64_t first, std::int64_t last,
                std::int64_t zeros, Mask& mask) {
    if (pattern.outputs == 1 && pattern.channels == 1) {
        const auto begin = static_cast<std::size_t>(first * grid.columns()),
                   count = static_cast<std::size_t>((last - first) * grid.columns());
        take_least_weights(scores.subspan(begin, count), zeros, std::span(mask).subspan(begin, count));
        return;
    }
    std::vector<Unit> units = units_of(grid, pattern.outputs, pattern.channels, scores, first, last);
    std::vector<std::size_t> order(units.size());
    for (std::size_t at = 0; at < order.size(); ++at) order[at] = at;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return units[a].score < units[b].score; });
    std::int64_t left = zeros;
    for (const std::size_t at : order) {
        if (2 * left < units[at].size()) break;  // one more would be further off
        for_each_weight(grid, units[at], [&](std::size_t weight) { mask[weight] = 0; });
        left -= units[at].size();
    }
}

void keep_best_of_groups(const WeightGrid& grid, const Pattern& pattern, std::span<const double> scores, Mask& mask) {
    std::vector<std::size_t> group(static_cast<std::size_t>(pattern.of));
    for (std::int64_t output = 0; output < grid.outputs; ++output)
        for (std::int64_t channel = 0; channel < grid.channels; channel += pattern.of)
            for (std::int64_t tap = 0; tap < grid.taps; ++tap) {
                for (std::int64_t at = 0; at < pattern.of; ++at)
                    group[static_cast<std::size_t>(at)] =
                        static_cast<std::size_t>(output * grid.columns() + (channel + at) * grid.taps + tap);
                std::stable_sort(group.begin(), group.end(), [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
                for (int at = 0; at < pattern.of - pattern.kept; ++at) mask[group[static_cast<std::size_t>(at)]] = 0;
            }
}

}  // namespace

Mask choose_mask(const WeightGrid& grid, const Pattern& pattern, std::span<const double> scores, std::int64_t zeros, RankWithin within) {
    MCOMPRESS_CHECK(static_cast<std::int64_t>(scores.size()) == grid.size() && zeros >= 0 && zeros <= grid.size());
    Mask mask(scores.size(), 1);
    if (pattern.kind == PatternKind::NOfM) {
        keep_best_of_groups(grid, pattern, scores, mask);
    } else if (within == RankWithin::Layer || pattern.outputs > 1) {
        take_least(grid, pattern, scores, 0, grid.outputs, zeros, mask);
    } else {
        for (std::int64_t output = 0; output < grid.outputs; ++output) {
            const auto share = [&](std::int64_t rows) {
                return static_cast<std::int64_t>(
                    static_cast<double>(zeros) * static_cast<double>(rows) / static_cast<double>(grid.outputs) + 0.5);
            };
            take_least(grid, pattern, scores, output, output + 1, share(output + 1) - share(output), mask);
        }
    }
    return mask;
}

std::vector<float> masked(std::vector<float> matrix, std::span<const std::uint8_t> mask) {
    for (std::size_t at = 0; at < mask.size(); ++at)
        if (!mask[at]) matrix[at] = 0.0F;
    return matrix;
}

std::int64_t zeros_of(std::span<const std::uint8_t> mask) { return std::count(mask.begin(), mask.end(), std::uint8_t{0}); }

}  // namespace mcompress
