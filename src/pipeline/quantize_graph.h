// From a prepared float graph to a quantized one, by the decisions of a scheme.
#pragma once

#include <vector>

#include "passes/pass_manager.h"
#include "quant/calibration_table.h"
#include "tune/tune.h"

namespace mcompress {

enum class QuantizeFinish {
    Complete,   // ready to be written
    TakeApart,  // with its redundant activations, so that each quantizer can be undone on its own (search/noise_sources.h)
};

/// Codes, better codes, biases. `tuning.scheme` holds the decisions; findings are added to `tuning.notes`.
std::vector<PassRun> quantize_graph(Graph& graph, Tuning& tuning, const CalibrationTable& table, QuantizeFinish finish);

}  // namespace mcompress
