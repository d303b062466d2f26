// A model with fewer weights that are not zero.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "onnx/planned_files.h"
#include "onnx/stamp.h"
#include "pipeline/sparse_output.h"
#include "prune/prune_graph.h"
#include "report/prune_report.h"

namespace mcompress {

struct PruneRequest {
    std::filesystem::path model;
    std::filesystem::path output;
    std::string pattern = "unstructured";
    std::string data_name = {};
    PruneOptions options = {};  // without the pattern
    // The share to keep of multiply-accumulates, of constants' bytes or of the measured time; at most one. Pattern channels: none means of multiply-accumulates,
    // 1 - sparsity. Others: of the constants' bytes only, what they take once packed (.mcz).
    std::optional<double> macs = {}, size = {}, latency = {};
    std::int64_t round_to = 0;  // ChannelBudget
    SparseFormat sparse_format = SparseFormat::Dense;
    std::optional<Stamp> stamp = {};  // put into the model
    PlannedFiles* planned = nullptr;  // not null: takes what would be written, and nothing is
};

/// A family of patterns: how its zeros are made.
struct PrunePatternRow {
    std::string_view name;     // as in help
    std::string_view summary;  // a clause
    bool (*is_named)(std::string_view pattern);
    PruneReport (*prune)(const PruneRequest& request);
};

std::span<const PrunePatternRow> all_prune_patterns();

/// Prunes a model as its pattern's row says and writes it. Throws kUsage for an unknown pattern, for a sparsity that the pattern does not allow and when the
/// model has nothing to prune.
PruneReport prune_model(const PruneRequest& request);

}  // namespace mcompress
