// A model whose weights are codes of codebooks, from file to file.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "onnx/planned_files.h"
#include "onnx/stamp.h"
#include "report/cluster_report.h"

namespace mcompress {

struct ClusterRequest {
    std::filesystem::path model;
    std::filesystem::path output;
    ClusterOptions options = {};
    std::optional<double> min_sqnr = {};    // dB that every weight must keep; otherwise nothing is written, and the report says so
    std::vector<std::string> exclude = {};  // selectors (passes/quantize/select_nodes.h) of nodes whose weights stay
    std::optional<Stamp> stamp = {};        // put into the model
    PlannedFiles* planned = nullptr;        // not null: takes what would be written, and nothing is
};

/// Fuses the model, so that weights are what runs, and clusters them. Throws kUsage when no weight can be, naming a reason.
ClusterReport cluster_model(const ClusterRequest& request);

}  // namespace mcompress
