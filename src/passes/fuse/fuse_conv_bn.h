// fuse-conv-bn: folds BatchNormalization into the Conv, ConvTranspose or Gemm before it.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

/// Before:  `c = Conv (x, W, b)  y = BatchNormalization <epsilon = e> (c, gamma, beta, mean, var)`
/// After:   `y = Conv (x, W', b')`
///
///     scale[m] = gamma[m] / sqrt(var[m] + e)     W'[m] = scale[m] W[m]     b'[m] = scale[m] (b[m] - mean[m]) + beta[m]
///
/// in double, for any number of groups, with or without a bias; ConvTranspose and Gemm: see linear_node.h. Weights that other nodes read too are
/// copied, not changed.
/// Does nothing when the result of the convolution is read by others or is a graph output, a weight or a statistic is not constant, the
/// normalization trains or has statistics for each element, var + e is not positive, or a fused weight would not be finite.
std::unique_ptr<Pass> make_fuse_conv_bn();

}  // namespace mcompress
