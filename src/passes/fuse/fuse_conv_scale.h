// fuse-conv-scale: folds Mul, Div, Add and Sub by constants into the Conv, ConvTranspose or Gemm before them.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

/// Before:  `c = Conv (x, W, b)  m = Mul (c, s)  y = Add (m, t)` with s and t constant, one number or one a channel
/// After:   `y = Conv (x, W', b')`
///
///     W'[m] = s[m] W[m]     b'[m] = s[m] b[m] + t[m]
///
/// Also Sub either way round and Div by a constant. A map that only adds leaves the weights as they are, shared or not.
/// Does nothing when the constant differs within a channel or enlarges the result, when the convolution's result is read by others or is a
/// graph output, when its weights are not constant, when it is what is divided by, or when a fused weight would not be finite.
std::unique_ptr<Pass> make_fuse_conv_scale();

}  // namespace mcompress
