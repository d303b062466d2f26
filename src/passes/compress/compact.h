// compact: removes channels, heads and hidden units that provably add nothing, so that zeros of a mask become a smaller model.
//
//   Before  h = Conv (x, W, b)      W[2] = 0: channel 2 of h is b[2] everywhere
//           r = Relu (h)
//           y = Conv (r, V, c)      reads it with V[:,2]
//   After   h = Conv (x, W', b')    without row 2
//           r = Relu (h)
//           y = Conv (r, V', c')    V' without column 2, c'[m] = c[m] + relu(b[2]) · sum(V[m,2,…])
//
// A channel goes when every product that reads it has weights of zero there, or when it is one number that the reader's bias can take in; both are
// followed through activations, normalizations, additions, Concat, Reshape and attention heads, and everything tied to it goes too: rows and columns of
// weights, biases, statistics, `group`, numbers of heads, shapes. Same outputs to float rounding.
//
// Does nothing when the reader pads and the number is not 0 (its border would differ: said in the report), when a channel is tied to the model's
// interface, to a normalization over channels or to an operator that is not understood (said when its filter is zero), or when it is the last of its axis.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

/// The evaluator computes what constant channels become; without one only numbers of 0 and products are followed.
std::unique_ptr<Pass> make_compact(Evaluator evaluator);

}  // namespace mcompress
