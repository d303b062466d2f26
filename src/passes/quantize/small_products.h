// Matrix products that are too small to gain from codes.
#pragma once

#include "ir/graph.h"
#include "quant/scheme.h"

namespace mcompress {

/// Writes into scheme.keep_float every MatMul and Gemm whose constant weight has few columns and few elements: quantizing its input while the model runs takes the
/// time that its codes save (measured in ONNX Runtime: none is saved below 32 columns), and the file would shrink by less than 12 KiB. A reason that
/// is there already stays.
void leave_small_products(const Graph& graph, QuantizationScheme& scheme);

}  // namespace mcompress
