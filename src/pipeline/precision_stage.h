// The last stages before a model is written: it is compared with the float model, and gives nodes back to float where it has to.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "passes/pass_manager.h"
#include "quant/calibration_table.h"
#include "search/findings.h"
#include "tune/tune.h"

namespace mcompress {

/// What must not get lost, and how that is measured.
struct AccuracyBudget {
    double max_drop = 0.0;             // points
    std::string metric = "agreement";  // "top1" (with labels), "agreement", "sqnr", "kl" or "command"
    const Dataset* data = nullptr;     // to evaluate on; none: the calibration samples
    std::vector<std::int64_t> labels = {};
    std::string command = {};          // gets a model file as its last argument and prints an accuracy
    double command_seconds = 3600.0;   // that it may take
    double max_float_share = 0.5;      // of the multiply-accumulates
    std::filesystem::path model = {};  // the float model's file, for the command
};

/// A prepared float graph and what its calibration said. Borrowed things must outlive it.
struct CalibratedGraph {
    const Graph& exact;
    const CalibrationTable& table;
    const Tuning& tuning;
};

/// A quantized copy of it, and how it came about.
struct QuantizedGraph {
    std::unique_ptr<Graph> graph;
    Tuning tuning;  // with the scheme's decisions, and notes
    std::vector<PassRun> passes;
};

QuantizedGraph build_quantized(const CalibratedGraph& calibrated, const QuantizationScheme& scheme);
/// The graph in the form that search/noise_sources.h takes apart, its weights not fitted.
std::unique_ptr<Graph> build_apart(const CalibratedGraph& calibrated, const QuantizationScheme& scheme);

/// Compares the quantized graph with the float one on samples that nothing was fitted to. When it has collapsed: names what is to blame and, unless the
/// effort is Fast, replaces it by one with the fewest nodes left in float that has not.
SelfCheckReport check_self(const CalibratedGraph& calibrated, QuantizedGraph& quantized);

/// Replaces the graph by one with the fewest nodes left in float that keeps the budget; the last word has a full evaluation of that model.
BudgetReport keep_budget(const CalibratedGraph& calibrated, QuantizedGraph& quantized, const AccuracyBudget& budget);

}  // namespace mcompress
