// Attributes and shapes of the matrix product family: MatMul, Gemm, MatMulInteger, QLinearMatMul, Einsum.
#pragma once

#include <string>
#include <vector>

#include "ir/node.h"
#include "ir/type.h"

namespace mcompress {

class InferContext;

enum class MatrixOrder { AsStored, Transposed };

/// Y = alpha A' B' + beta C.
struct GemmAttrs {
    float alpha = 1.0F;
    float beta = 1.0F;
    MatrixOrder a = MatrixOrder::AsStored;
    MatrixOrder b = MatrixOrder::AsStored;

    static GemmAttrs read(const Node& node);
};

/// An equation with the ellipsis kept as '.', and the output made explicit.
struct EinsumAttrs {
    std::vector<std::string> inputs;  // subscripts of each input
    std::string output;

    static EinsumAttrs read(const Node& node);
};

/// NumPy's matmul on shapes: 1-D operands are promoted, leading dimensions broadcast. Nothing when the shapes do not fit.
std::optional<Dims> matmul_dims(const Dims& a, const Dims& b);

/// Dimensions of Gemm's result, whose matrices are the inputs `a` and `b`; rejects those that cannot be multiplied.
Dims gemm_dims(const InferContext& context, int a, int b);

}  // namespace mcompress
