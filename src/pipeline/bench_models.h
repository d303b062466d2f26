// How long models take: everything `mcompress bench` shows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "report/report.h"

namespace mcompress {

struct BenchRequest {
    std::vector<std::filesystem::path> models;
    std::optional<std::filesystem::path> opponent;  // timed in alternation with each model
    std::vector<std::int64_t> batches = {1};
    std::vector<int> thread_counts = {1};
    std::map<std::string, Shape> shapes;  // of inputs; those not named take 1 for unknown dimensions
    const Dataset* data = nullptr;        // its first sample is run; none: random numbers
    std::string engine = "onednn";
    ComputeType compute = ComputeType::Float32;  // of the models; the opponent runs in float32
    double seconds = 2.0;                        // a row
    StepDetail step_detail = StepDetail::Hidden;
};

/// A batch size replaces an unknown first dimension, with samples alike. Throws kUsage when a model's first dimension is fixed to another number, when
/// a shape does not fit an input or names none.
BenchReport bench_models(const BenchRequest& request);

}  // namespace mcompress
