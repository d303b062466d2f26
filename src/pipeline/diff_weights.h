// The weights and quantizers of two models side by side.
#pragma once

#include "ir/graph.h"
#include "pipeline/match_graphs.h"
#include "report/diff_report.h"

namespace mcompress {

/// The quantizer behind a value, if one is: what DequantizeLinear reads behind QuantizeLinear, or a constant; the value itself otherwise.
const Value* behind_quantizers(const Value* value);

/// "uint8, scale 0.0123, zero point 128" of a QuantizeLinear or DequantizeLinear; many of them by their range.
std::string quantizer_text(const Node& quantizer);

/// Weights are paired by name, then by the place where matched nodes read them; integer ones are compared by what they dequantize to.
void diff_weights(const Graph& before, const Graph& after, const GraphMatch& match, DiffReport& report);

/// Quantizers are paired by the value that they quantize.
void diff_quantizers(const Graph& before, const Graph& after, DiffReport& report);

}  // namespace mcompress
