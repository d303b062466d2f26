// The weights of com.microsoft::MatMulNBits as floats.
#pragma once

#include "engine/reference/kernel.h"

namespace mcompress::reference {

/// [N, K] from inputs 1 to 3 of the node (codes, scales, zero points). Throws kShapeInvalid when they do not fit the attributes.
Tensor dequantized_nbits_weights(const KernelContext& context);

/// [N, blocks]: the zero point of every block, from the same inputs.
Tensor nbits_zero_points(const KernelContext& context);

}  // namespace mcompress::reference
