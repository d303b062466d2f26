// The range of each quantized value by what it costs at the model's outputs.
#pragma once

#include "ir/graph.h"
#include "quant/calibration_table.h"
#include "tune/tune.h"

namespace mcompress {

/// For range method "auto" and any effort but fast: of the ranges that the range methods give for a value, the one with which the outputs are nearest
/// to the float graph's when nothing but this value is quantized, on samples to fit to. Written into scheme.ranges, and kept as a whole where the
/// quantized graph is nearer on held-out samples. Values that have a range already, and attention masks, are left alone. The graph is a prepared float
/// graph and stays as it is; bodies keep their ranges.
void choose_ranges(const Graph& graph, const CalibrationTable& table, Tuning& tuning);

}  // namespace mcompress
