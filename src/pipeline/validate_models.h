// Reference and candidate, on data, in int8: everything `mcompress validate` shows.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "pipeline/compress.h"
#include "report/report.h"

namespace mcompress {

/// Kernels whose arithmetic the candidate is to be judged by.
enum class EmulatedKernels { None, Avx2 };  // Avx2: sums of two products in 16 bits, with saturation, as on x86 without VNNI

/// Limits that turn a comparison into a verdict; absent ones are not checked.
struct ValidationGates {
    std::optional<double> min_agreement;  // percent of decisions that must be the same
    std::optional<double> max_drop;       // percentage points of top-1 that may be lost
    std::optional<double> min_sqnr;       // dB, of every output
};

struct ValidateRequest {
    std::filesystem::path reference;
    std::filesystem::path candidate;
    const Dataset* data = nullptr;
    std::string data_name = {};
    std::vector<std::int64_t> labels = {};
    ValidationGates gates = {};
    std::size_t layer_samples = 16;
    double latency_seconds = 1.0;                     // 0: no latency measurement
    ComputeType compute = ComputeType::Float32;       // of the candidate's float products
    EmulatedKernels emulate = EmulatedKernels::None;  // for fidelity; latency is that of the real kernels
    int threads = 1;
    Progress progress = {};
};

/// Throws kUsage when a gate cannot be checked (no labels for max_drop, no classifier for min_agreement).
ValidateReport validate_models(const ValidateRequest& request);

/// Whether every gate of the report passed.
bool gates_passed(const ValidateReport& report);

}  // namespace mcompress
