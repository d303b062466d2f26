// fuse-conv-bn: folds a BatchNormalization into the Conv, ConvTranspose or Gemm before it.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

/// Before:  `c = Conv (x, W, b)  y = BatchNormalization (c, gamma, beta, mean, var)`
/// After:   `y = Conv (x, W', b')`
///
/// With s[c] = gamma[c] / sqrt(var[c] + epsilon): W'[c] = s[c] W[c], b'[c] = s[c] (b[c] - mean[c]) + beta[c], computed in double. A missing
/// bias counts as 0; weights or biases that other nodes read are copied.
///
/// Does nothing when a parameter is not a constant, when the normalization trains or has other outputs in use, when the convolution's result
/// is read elsewhere, or when a folded number would not be finite.
std::unique_ptr<Pass> make_fuse_conv_bn();

}  // namespace mcompress
