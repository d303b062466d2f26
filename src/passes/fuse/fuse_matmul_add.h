// fuse-matmul-add: turns MatMul and Add of a bias into one Gemm.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

/// Before:  `m = MatMul (x, W)  y = Add (m, b)` with W a constant matrix [K, N], x of rank 2 and b a constant [N], [1, N] or one number
/// After:   `y = Gemm (x, W, b)`
///
/// Does nothing when x is no matrix (Gemm takes nothing else; engines run MatMul with a bias just as well), when the product is read by others
/// or is a graph output, when W is not constant, when b has other extents, for element types Gemm does not take, and before opset 7, where Gemm
/// broadcasts by other rules.
std::unique_ptr<Pass> make_fuse_matmul_add();

}  // namespace mcompress
