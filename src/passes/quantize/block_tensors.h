// Codes in blocks as the tensors of a graph.
#pragma once

#include "ops/matmul.h"
#include "quant/block_codes.h"
#include "tensor/tensor.h"

namespace mcompress {

struct BlockTensors {
    Tensor codes;
    Tensor scales;
    Tensor zero_points;  // undefined when there are none
};

/// As com.microsoft::MatMulNBits reads them: codes uint8 [columns, blocks, bytes], scales [columns, blocks], zero points packed like codes, or floats.
BlockTensors matmul_nbits_tensors(const BlockCodes& codes);

/// As DequantizeLinear with block_size reads them: codes in the shape of the weight ([inner, columns], or [columns, inner] when it is transposed), signed
/// without zero points and unsigned with them. Zero points are whole numbers.
BlockTensors dequantize_linear_tensors(const BlockCodes& codes, MatrixOrder order);

}  // namespace mcompress
