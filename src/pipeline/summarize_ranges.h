// What the quantizers of a graph make of the values that calibration saw.
#pragma once

#include <vector>

#include "ir/graph.h"
#include "quant/calibration_table.h"
#include "report/range_report.h"

namespace mcompress {

/// One entry for each QuantizeLinear with one known scale whose input was observed, in order of computation, bodies included.
std::vector<RangeSummary> summarize_ranges(Graph& graph, const CalibrationTable& table);

}  // namespace mcompress
