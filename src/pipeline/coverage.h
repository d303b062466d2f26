// How much of a graph is quantized, and what is not, and why.
#pragma once

#include "ir/graph.h"
#include "report/report.h"

namespace mcompress {

/// Fills in the report's counts of compute nodes (Conv, ConvTranspose, Gemm, MatMul), their shares of the multiply-accumulates and of the
/// constants' bytes, the list of all nodes left in float with the reasons the quantize passes gave in `report.passes`, each node once, and the notes: groups that are quantized
/// but that ONNX Runtime would still run in float, and what else the passes had to say.
void measure_coverage(const Graph& graph, QuantizeReport& report);

}  // namespace mcompress
