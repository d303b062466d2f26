// Rounding of weights that makes up for each rounding error in the weights not rounded yet (GPTQ: Frantar et al. 2022).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quant/params.h"

namespace mcompress {

/// The order and the factor that rounding one layer's rows walks along; they depend on the layer's inputs only.
struct RoundingPath {
    std::vector<std::int32_t> order;  // of the inputs: those with the greatest energy first
    std::vector<float> factor;        // [inputs, inputs]: upper Cholesky factor of the inverse second moments, in that order
    bool empty() const { return order.empty(); }
};

/// `moments` [inputs, inputs]: the (centred) second moments of a layer's inputs. Inputs that are always 0 get a moment of 1. Damping: a share of the mean
/// of the diagonal is added to it; ten times more, up to three times, when the matrix is not positive definite. Empty when that does not help either.
RoundingPath plan_rounding(std::span<const double> moments, std::int64_t inputs, double damping);

/// Codes [outputs, inputs] of `weights` [outputs, inputs] for one scale a row, so that the error of the products, not that of each weight, is small. Where
/// `exact` (empty, or as many) is exactly 0 the code is 0, and what the weight was is passed on like any error: pruned weights stay pruned.
/// `threads` rows are rounded at a time; the codes do not depend on it.
std::vector<std::int8_t> round_along(const RoundingPath& path, std::span<const float> weights, std::span<const float> scales,
                                     QuantRange range, int threads, std::span<const float> exact = {});

}  // namespace mcompress
