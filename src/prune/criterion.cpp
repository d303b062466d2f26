#include "prune/criterion.h"

#include <algorithm>
#include <array>

#include "support/check.h"
#include "support/splitmix.h"

namespace mcompress {
namespace {

// clang-format off
constexpr std::array<CriterionRow, 5> kCriteria{{
    {Criterion::Magnitude, "magnitude", CriterionNeeds::Nothing, RankWithin::Layer, "the smallest weights"},
    {Criterion::Wanda, "wanda", CriterionNeeds::Samples, RankWithin::Output, "the smallest weights times the size of their inputs, output by output"},
    {Criterion::SparseGpt, "sparsegpt", CriterionNeeds::Samples, RankWithin::Layer, "column by column, each error passed on to the columns behind"},
    {Criterion::LeastSquares, "least-squares", CriterionNeeds::Samples, RankWithin::Layer, "weights times inputs, then the others solved for by least squares"},
    {Criterion::Random, "random", CriterionNeeds::Nothing, RankWithin::Layer, "any: a control"},
}};
// clang-format on

}  // namespace

std::span<const CriterionRow> all_criteria() { return kCriteria; }

const CriterionRow& criterion_row(Criterion criterion) {
    return *std::find_if(kCriteria.begin(), kCriteria.end(), [&](const CriterionRow& row) { return row.criterion == criterion; });
}

std::vector<double> criterion_scores(Criterion criterion, const WeightGrid& grid, std::span<const float> weights,
                                     std::span<const double> energy, std::uint64_t layer) {
    const bool needs_samples = criterion_row(criterion).needs == CriterionNeeds::Samples;
    const auto columns = static_cast<std::size_t>(grid.columns()), in_group = static_cast<std::size_t>(grid.outputs / grid.groups);
    MCOMPRESS_CHECK(static_cast<std::int64_t>(weights.size()) == grid.size());
    MCOMPRESS_CHECK(!needs_samples || energy.size() == static_cast<std::size_t>(grid.groups) * columns);
    std::vector<double> scores(weights.size());
    for (std::size_t at = 0; at < scores.size(); ++at) {
        const double weight = static_cast<double>(weights[at]);
        scores[at] = weight * weight;
        if (needs_samples) scores[at] *= energy[at / columns / in_group * columns + at % columns];
        // What is zero already goes first.
        if (criterion == Criterion::Random && weight != 0.0)
            scores[at] = 1.0 + static_cast<double>(splitmix64(splitmix64(layer) + at) >> 11U);
    }
    return scores;
}

}  // namespace mcompress
