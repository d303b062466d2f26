// Least squares under a mask from rows that are fewer than the inputs: nothing of the size inputs x inputs.
#pragma once

#include "prune/fit_masked.h"

namespace mcompress {

/// fit_masked() for FitRows.
std::vector<float> fit_rows(const MaskedProblem& problem, const FitRows& rows, const Mask& mask);

/// The rows' columns scaled by (n G)^-1/2, one after the other as `order` says: T with A + G = G^1/2 (I + T T^T) G^1/2, [inputs, count].
std::vector<float> scaled_columns(const FitRows& rows, std::span<const double> terms, std::span<const std::int32_t> order);

}  // namespace mcompress
