// What a layer costs as it is and in factors: multiply-accumulates, parameters and time.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/engine.h"
#include "factorize/low_rank.h"
#include "tune/layer.h"

namespace mcompress {

/// Positions that windows are computed at; dimensions that are not known count as 1.
struct LayerPositions {
    double input = 1.0;    // rows and columns of the input
    double between = 1.0;  // rows of the output, columns of the input
    double output = 1.0;
};

LayerPositions positions_of(const Layer& layer);

struct FormCost {
    double macs = 0.0;
    std::int64_t parameters = 0;
};
FormCost cost_of(const LayerAlgebra& layer, const LayerPositions& positions, const LowRankForm& form);
FormCost dense_cost(const LayerAlgebra& layer, const LayerPositions& positions);

/// The factors as write_factors() takes them.
std::vector<FactorMatrix> factor_matrices(const std::vector<Matrix>& factors);

/// Median of the factors' time over the layer's, run in alternation on `input`, with as many threads.
double time_ratio(const Engine& engine, const Graph& graph, const Layer& layer, FactorForm form, const std::vector<FactorMatrix>& factors,
                  const Tensor& input, int threads);

}  // namespace mcompress
