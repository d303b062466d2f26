// Codes moved one by one while that lowers the error of a layer's products.
#pragma once

#include <cstdint>
#include <span>

#include "quant/params.h"
#include "quant/saturation.h"

namespace mcompress {

/// What every row of codes has in common.
struct CodeDescent {
    std::span<const double> moments;       // [inputs, inputs]: second moments A of the layer's inputs
    double damping = 0.0;                  // share of the mean of A's diagonal that is added to it
    QuantRange range = {};                 // of the codes
    std::span<const CodePair> pairs = {};  // that must stay within pair_limit(); rows that break it are left alone
    int threads = 1;
    std::span<const float> exact = {};  // as many as weights: where it is 0 a code of 0 stays; empty: the weights themselves
};

/// Lowers d (A + damping) d^T, d = weights - scale codes, for each row: a code moves to the best one given all others, in up to eight sweeps. No move raises it;
/// weights that are exactly 0 keep the code 0. `codes` and `weights` [outputs, inputs], one scale a row. The same for any number of threads.
void descend_codes(const CodeDescent& problem, std::span<const float> weights, std::span<const float> scales, std::span<std::int8_t> codes);

}  // namespace mcompress
