#include "prune/chosen_weights.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mcompress {
namespace {

constexpr double kSparseGptDamping = 0.01;
constexpr std::int64_t kPanel = 128;
constexpr int kRounds = 3;
constexpr double kDampings[] = {0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0};

/// What is taken after each round: the earlier ones take more, since what is left gets scarce.
struct Round {
    Pattern pattern;
    std::int64_t zeros = 0;
};

std::vector<Round> rounds_of(const Pattern& pattern, std::int64_t zeros) {
    std::vector<Round> rounds;
    if (pattern.kind == PatternKind::NOfM) {
        const int taken = pattern.of - pattern.kept, count = std::min(kRounds, taken);
        for (int round = 1; round <= count; ++round) {
            Pattern part = pattern;
            part.kept = pattern.of - (taken * round + count - 1) / count;
            rounds.push_back({part, zeros});
        }
        return rounds;
    }
    for (int round = 1; round <= kRounds; ++round) {
        const double rest = 1.0 - static_cast<double>(round) / kRounds;
        rounds.push_back({pattern, std::llround(static_cast<double>(zeros) * (1.0 - rest * rest))});
    }
    return rounds;
}

/// The panel's part of a mask that was chosen before.
Mask panel_of(std::span<const std::uint8_t> mask, std::int64_t inputs, std::span<const std::int32_t> columns) {
    Mask panel;
    for (std::size_t row = 0; row < mask.size(); row += static_cast<std::size_t>(inputs))
        for (const std::int32_t column : columns) panel.push_back(mask[row + static_cast<std::size_t>(column)]);
    return panel;
}

/// w^2 / U_jj^2
std::vector<double> saliences(std::span<const float> weights, std::span<const float> factor) {
    std::vector<double> scores(weights.size());
    for (std::size_t at = 0; at < scores.size(); ++at) {
        const double ratio = static_cast<double>(weights[at]) / static_cast<double>(factor[at % factor.size()]);
        scores[at] = ratio * ratio;
    }
    return scores;
}

/// Where a group's moments have no factor, its mask and weights stay as they are. Blocks are chosen beforehand.
void walk(const Pattern& pattern, const WeightGrid& grid, const LayerFitting& fitting, MaskedWeights& chosen) {
    std::vector<std::int32_t> order;  // taps first, so that the groups of a pattern lie side by side
    for (std::int64_t tap = 0; tap < grid.taps; ++tap)
        for (std::int64_t channel = 0; channel < grid.channels; ++channel)
            order.push_back(static_cast<std::int32_t>(channel * grid.taps + tap));
    const std::int64_t of = pattern.kind == PatternKind::NOfM ? pattern.of : 1, outputs = grid.outputs / grid.groups;
    for (std::size_t group = 0; group < static_cast<std::size_t>(grid.groups); ++group) {
        const std::size_t begin = group * fitting.group_size();
        const std::span<std::uint8_t> own = std::span(chosen.mask).subspan(begin, fitting.group_size());
        const std::int64_t zeros = zeros_of(own);
        const auto choose = [&](std::span<const float> weights, std::span<const float> factor, std::int64_t first, std::int64_t width) {
            if (pattern.kind == PatternKind::Blocks)
                return panel_of(own, grid.columns(),
                                std::span(order).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(width)));
            const auto share = [&](std::int64_t columns) { return zeros * columns / grid.columns(); };
            return choose_mask({outputs, width, 1, 1}, pattern, saliences(weights, factor), share(first + width) - share(first),
                               RankWithin::Layer);
        };
        const WalkedWeights walked = walk_masked(fitting.problem(group, kSparseGptDamping), order, kPanel / of * of, choose);
        if (walked.weights.empty()) continue;
        std::copy(walked.mask.begin(), walked.mask.end(), own.begin());
        std::copy(walked.weights.begin(), walked.weights.end(), chosen.matrix.begin() + static_cast<std::ptrdiff_t>(begin));
    }
}

MaskedWeights fit_in_rounds(const Pattern& pattern, const WeightGrid& grid, const LayerFitting& fitting, std::int64_t zeros, double damping,
                            std::uint64_t layer) {
    MaskedWeights chosen{Mask(fitting.exact().matrix.size(), 1), fitting.exact().matrix};
    const std::vector<double> spread = fitting.spread();
    for (const Round& round : rounds_of(pattern, zeros)) {
        std::vector<double> scores = criterion_scores(Criterion::LeastSquares, grid, chosen.matrix, spread, layer);
        for (std::size_t at = 0; at < scores.size(); ++at)
            if (!chosen.mask[at]) scores[at] = -1.0;  // what is gone stays gone
        chosen.mask = choose_mask(grid, round.pattern, scores, round.zeros, criterion_row(Criterion::LeastSquares).within);
        std::vector<float> matrix = fitting.least_squares(chosen.mask, damping);
        if (!matrix.empty()) chosen.matrix = std::move(matrix);
        else chosen.matrix = masked(std::move(chosen.matrix), chosen.mask);
    }
    return chosen;
}

}  // namespace

double choose_damping(const Pattern& pattern, const WeightGrid& grid, const LayerFitting& fitting, const LayerJudge& judge, double share) {
    const std::vector<double> scores = criterion_scores(Criterion::LeastSquares, grid, fitting.exact().matrix, fitting.spread(), 0);
    const Mask mask = choose_mask(grid, pattern, scores, std::llround(share * static_cast<double>(grid.size())), RankWithin::Layer);
    double best = kDampings[0], least = std::numeric_limits<double>::infinity();
    for (const double damping : kDampings) {
        std::vector<float> matrix = fitting.least_squares(mask, damping);
        if (matrix.empty()) continue;
        const double error = judge.error(fitting.with_bias(std::move(matrix)));
        if (!(error < least)) continue;
        least = error;
        best = damping;
    }
    return best;
}

MaskedWeights choose_weights(Criterion criterion, const Pattern& pattern, const WeightGrid& grid, const LayerFitting& fitting,
                             std::int64_t zeros, double damping, std::uint64_t layer) {
    if (criterion == Criterion::LeastSquares) return fit_in_rounds(pattern, grid, fitting, zeros, damping, layer);
    const std::vector<double> scores = criterion_scores(criterion, grid, fitting.exact().matrix, fitting.energy(), layer);
    MaskedWeights chosen{choose_mask(grid, pattern, scores, zeros, criterion_row(criterion).within), fitting.exact().matrix};
    if (criterion == Criterion::SparseGpt) walk(pattern, grid, fitting, chosen);
    chosen.matrix = masked(std::move(chosen.matrix), chosen.mask);
    return chosen;
}

}  // namespace mcompress
