// From a prepared float graph to a quantized one, by the decisions of a scheme.
#pragma once

#include <vector>

#include "data/dataset.h"
#include "passes/pass_manager.h"
#include "quant/calibration_table.h"
#include "tune/tune.h"

namespace mcompress {

/// Everything the stages start from: samples in an order of their own (so that the order of files does not matter), grouped where the graph's batch is
/// fixed. `data` must outlive it.
Tuning make_tuning(const Graph& graph, const QuantizationScheme& scheme, const Dataset& data, int threads, StageProgress progress);

/// What the samples say before anything is quantized: the statistics, and decisions in `tuning.scheme`. The graph may be changed into one that computes the same.
CalibrationTable calibrate_and_decide(Graph& graph, Tuning& tuning);

enum class QuantizeFinish {
    Complete,   // ready to be written
    TakeApart,  // with its redundant activations, so that each quantizer can be undone on its own (search/noise_sources.h)
};

/// Codes, better codes, biases. `tuning.scheme` holds the decisions; findings are added to `tuning.notes`.
std::vector<PassRun> quantize_graph(Graph& graph, Tuning& tuning, const CalibrationTable& table, QuantizeFinish finish);

}  // namespace mcompress
