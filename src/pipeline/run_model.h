// Running a model over data and keeping its outputs.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"
#include "engine/engine.h"
#include "pipeline/compress.h"

namespace mcompress {

struct RunRequest {
    std::filesystem::path model;
    const Dataset* data = nullptr;
    std::string engine = "onednn";  // or "reference"
    ComputeType compute = ComputeType::Float32;
    int threads = 1;
    Progress progress = {};
};

/// Every output over all samples (single ones are put together for a model of fixed batch, the last batch filled up and cut again), in sample order: joined along the first axis where the shapes allow it, else one array a sample named
/// "output.0", "output.1", …
std::vector<std::pair<std::string, Tensor>> run_model(const RunRequest& request);

/// "f32" or "bf16"; throws kUsage for another name.
ComputeType compute_type(const std::string& name);

/// "onednn" or "reference"; throws kUsage for another name.
std::unique_ptr<Engine> make_engine(const std::string& name);

}  // namespace mcompress
