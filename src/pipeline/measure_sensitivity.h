// What quantizing each part of a model costs: everything `mcompress sensitivity` shows.
#pragma once

#include <filesystem>
#include <string>

#include "pipeline/compress.h"
#include "report/report.h"

namespace mcompress {

struct SensitivityRequest {
    std::filesystem::path model;
    QuantizationScheme scheme = {};
    const Dataset* data = nullptr;  // all of it calibrates
    std::string data_name = {};
    std::string metric = "sqnr";  // "sqnr", "kl" or "agreement"
    std::size_t samples = 16;     // of the data, to measure on
    std::size_t random_sets = 5;  // for the check that effects add up; 0: none
    std::size_t memory_bytes = std::size_t{192} << 20;
    std::filesystem::path state = {};  // where to keep what is measured already; empty: nowhere
    int threads = 1;
    StageProgress progress = {};
};

/// Throws kUsage when the metric needs a classifier and the model is none, or the scheme has no static activations.
SensitivityReport measure_sensitivity(const SensitivityRequest& request);

}  // namespace mcompress
