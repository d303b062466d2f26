// What a criterion makes of a layer: a mask, and weights under it.
#pragma once

#include <cstdint>

#include "prune/criterion.h"
#include "prune/layer_fitting.h"

namespace mcompress {

struct MaskedWeights {
    Mask mask;
    std::vector<float> matrix;
};

/// magnitude, wanda, random: the weights that stay are what they were. sparsegpt: walked, group by group. least-squares: in rounds, each of which takes a part of
/// the zeros by w^2 var(x) and solves for the weights that are left with `damping` (d of fit_masked()), so that the next round ranks what these became.
MaskedWeights choose_weights(Criterion criterion, const Pattern& pattern, const WeightGrid& grid, const LayerFitting& fitting,
                             std::int64_t zeros, double damping, std::uint64_t layer);

/// The damping whose least squares does best on the judge's rows, when the share of zeros is taken at once by w^2 var(x).
double choose_damping(const Pattern& pattern, const WeightGrid& grid, const LayerFitting& fitting, const LayerJudge& judge, double share);

}  // namespace mcompress
