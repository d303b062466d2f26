// One row of weights (an output channel) → codes whose errors cancel in the sum, and whose pairs do not saturate.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quant/saturation.h"

namespace mcompress {

/// q = rne(w / scale) in [-127, 127], then limit_pairs(), then balance_codes(). Pairs: see saturation.h; empty, no pair is limited.
std::vector<std::int8_t> round_row(std::span<const float> row, float scale, std::span<const CodePair> pairs = {}, int limit = pair_limit());

/// Moves codes of a row by one where that lowers  sum e^2 + r (sum e)^2,  e = wanted - code: the expected squared error of the row's products when its
/// activations have variance 1 and mean sqrt(r). Rounding to nearest leaves a sum of errors like a random walk, and codes that were lowered to fit
/// their pairs all err towards zero; either shifts every product by the mean of the activations. r = 1 / (pi - 1) is that of a normal distribution
/// behind a Relu. The codes nearest to a tie move first, each once at most, and only where their pairs still fit; weights of 0 never do.
void balance_codes(std::span<std::int8_t> row, std::span<const float> wanted, std::span<const CodePair> pairs = {},
                   int limit = pair_limit());

}  // namespace mcompress
