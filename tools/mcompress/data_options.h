// The options that say which data to use and how to make model inputs of it.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "support/stage_progress.h"

namespace mcompress {

struct DataFlags {
    std::string data;
    std::string preset;
    std::map<std::string, std::string> image_options;  // "resize" → "256", …; empty ones were not given
    std::string samples = "leading";
    std::size_t limit = 0;
};

enum class DataNeed { Optional, Required };

/// Declares --data and the preprocessing options.
void add_data_flags(CLI::App& app, DataFlags& flags, DataNeed need);

/// Opens what the flags name, made to fit the inputs of the model at `model`.
std::unique_ptr<Dataset> open_flagged_data(const DataFlags& flags, const std::filesystem::path& model);

/// What calibration runs on besides --data.
struct FitnessFlags {
    bool allow_unfit = false;
    std::size_t synthetic = 0;  // pictures to make up; 0: none
};

/// Declares --allow-unfit-data.
void add_unfit_flag(CLI::App& app, FitnessFlags& flags);
/// Declares --synthetic[=N], instead of --data.
void add_synthetic_flag(CLI::App& app, FitnessFlags& flags);

struct CalibrationData {
    std::shared_ptr<const Dataset> samples;  // null when neither data nor made-up samples were asked for
    std::string name;
    std::vector<std::string> doubts;  // what a report should say about them
};

/// Opens or makes up the samples to calibrate on. Refuses those that cannot be what the model was made for (unless allowed), logs what makes them doubtful.
CalibrationData open_calibration_data(const DataFlags& flags, const FitnessFlags& fitness, const std::filesystem::path& model, int threads);

/// Progress on standard error: a line that is rewritten, with the time left, on a terminal; a line for every tenth in a log; none when quiet.
std::function<void(std::size_t, std::size_t)> make_progress(std::string what, bool quiet);
/// The same of work in stages, each called by its name; stages that are over at once say nothing.
StageProgress make_stage_progress(bool quiet);

}  // namespace mcompress
