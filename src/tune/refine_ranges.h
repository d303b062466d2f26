// Ranges by what they do to the model's outputs, one value after the other.
#pragma once

#include "ir/graph.h"
#include "quant/calibration_table.h"
#include "tune/tune.h"

namespace mcompress {

/// Coordinate descent with effort max and a range method other than auto: for each observed value of the main graph, in the order of the data, tries narrower and wider ranges than the one
/// chosen so far (tuning.scheme.ranges, or the range method's) and keeps what lowers the error of the outputs over all samples by more than a
/// thousandth; until a sweep keeps nothing, two sweeps at most. A fifth of the samples has no say; when the ranges found do not lower their error, nothing is
/// changed. Costs about three runs of the quantized model over all samples a value and sweep.
void refine_ranges(const Graph& graph, const CalibrationTable& table, Tuning& tuning);

}  // namespace mcompress
