// The last stages before a model is written: it is compared with the float model, and gives nodes back to float where it has to.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
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

/// A quantized copy; what stages have to say about it is dropped.
std::unique_ptr<Graph> build_quantized(const CalibratedGraph& calibrated, const QuantizationScheme& scheme);
/// As above, in the form that search/noise_sources.h takes apart.
std::unique_ptr<Graph> build_apart(const CalibratedGraph& calibrated, const QuantizationScheme& scheme);

/// Compares the quantized graph with the float one on samples that nothing was fitted to. When it has collapsed: names what is to blame and, unless the
/// effort is Fast, writes into `scheme` the fewest nodes to leave in float until it has not.
SelfCheckReport check_self(const CalibratedGraph& calibrated, const Graph& quantized, QuantizationScheme& scheme);

/// Writes into `scheme` the fewest nodes to leave in float until the budget is kept; the last word has a full evaluation of that model.
BudgetReport keep_budget(const CalibratedGraph& calibrated, const Graph& quantized, const AccuracyBudget& budget,
                         QuantizationScheme& scheme);

}  // namespace mcompress
