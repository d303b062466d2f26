// The options that say how much accuracy a quantized model may lose, and how that is measured.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "data_options.h"
#include "pipeline/precision_stage.h"

namespace mcompress {

struct BudgetFlags {
    std::string max_drop;
    std::string metric;
    std::string labels;
    std::string eval_data;
    std::string eval_command;
    double eval_seconds = 3600.0;
    double max_float_macs = 50.0;
};

/// "0.5" and "0.5%" of --max-drop. Throws kUsage.
double points_from(const std::string& text);

void add_budget_flags(CLI::App& app, BudgetFlags& flags);

/// The evaluation data lives in `storage`. Nothing when no budget is asked for. Throws kUsage when the flags contradict each other.
std::optional<AccuracyBudget> make_budget(const BudgetFlags& flags, const DataFlags& data, const Dataset* calibration,
                                          const std::filesystem::path& model, std::unique_ptr<Dataset>& storage);

}  // namespace mcompress
