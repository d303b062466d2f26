// Which weights matter least: the table of criteria.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "prune/mask.h"

namespace mcompress {

enum class Criterion { Magnitude, Wanda, SparseGpt, LeastSquares, Random };
enum class CriterionNeeds { Nothing, Samples };

struct CriterionRow {
    Criterion criterion;
    std::string_view name;
    CriterionNeeds needs;
    RankWithin within;
    std::string_view summary;
};

std::span<const CriterionRow> all_criteria();
const CriterionRow& criterion_row(Criterion criterion);

/// Scores of W [outputs, columns]; the least go. `energy` [groups][columns] are the mean squares of the inputs (criteria that need samples).
///   magnitude w^2; wanda, and the mask of least-squares, w^2 E[x^2] (Sun et al. 2023); random a hash of seed, layer and position.
/// SparseGPT chooses while it walks (fit_masked.h); its score here is wanda's.
std::vector<double> criterion_scores(Criterion criterion, const WeightGrid& grid, std::span<const float> weights,
                                     std::span<const double> energy, std::uint64_t layer);

}  // namespace mcompress
