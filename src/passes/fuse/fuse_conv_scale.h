// fuse-conv-scale: folds Mul, Div, Add and Sub by constants into the Conv, ConvTranspose or Gemm before them.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

/// Before:  `c = Conv (x, W, b)  y = Mul (c, k)` with k one number or one a channel, as [C, 1, 1], [1, C, 1, 1] …
/// After:   `y = Conv (x, W', b')`
///
/// Mul: W'[c] = k[c] W[c], b'[c] = k[c] b[c]. Div: the same with 1 / k[c]. Add, Sub: b'[c] = b[c] ± k[c]; k - c also negates W. In double.
///
/// Does nothing when the constant varies along another axis than the channels or would enlarge the result, when the convolution's result is
/// read elsewhere, when weights or bias are not constant, or when a folded number would not be finite.
std::unique_ptr<Pass> make_fuse_conv_scale();

}  // namespace mcompress
