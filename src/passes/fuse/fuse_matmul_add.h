// fuse-matmul-add: turns MatMul and the addition of a bias into one Gemm.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

/// Before:  `m = MatMul (x, W)  y = Add (m, b)` with x a matrix, W a constant [K, N], b a constant [N], [1, N] or one number
/// After:   `y = Gemm (x, W, b)`
///
/// Does nothing when x is not known to be a matrix (engines and runtimes fuse the batched form themselves), when W or b is not a constant of
/// that form, when the product is read elsewhere, or below opset 7, whose Gemm does not broadcast.
std::unique_ptr<Pass> make_fuse_matmul_add();

}  // namespace mcompress
