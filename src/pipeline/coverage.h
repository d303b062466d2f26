// How much of a graph is quantized, and what is not, and why.
#pragma once

#include "ir/graph.h"
#include "report/report.h"

namespace mcompress {

/// Throws kAlreadyQuantized when the graph holds quantization operators.
void refuse_quantized(const Graph& graph);

/// Fills in the report's counts of compute nodes (Conv, ConvTranspose, Gemm, MatMul), their share of the multiply-accumulates, and the
/// list of nodes left in float: the reasons come from the skips of the quantize passes in `report.passes`, each node once.
void measure_coverage(const Graph& graph, QuantizeReport& report);

}  // namespace mcompress
