// What pruning found and did, as plain data.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "onnx/sparse_constants.h"
#include "prune/prune_graph.h"
#include "report/compact_report.h"
#include "report/document.h"
#include "report/report.h"

namespace mcompress {

struct PruneReport {
    ModelSummary before;
    ModelSummary after;
    std::string pattern;
    std::string faster_on;  // what runs models of the pattern faster
    std::string criterion;
    std::string scope;
    std::string repair;
    double sparsity = 0.0;  // asked for
    std::string data;       // empty: none
    std::size_t samples = 0;
    PruneOutcome outcome;
    std::optional<std::int64_t> packed_goal;  // for outcome.packed_bytes
    std::int64_t macs_with_zeros = 0;         // multiply-accumulates of the pruned layers that a runtime saves if it skips zeros
    // Pattern channels: what is gone instead of zero.
    int units = 0, removed_units = 0;
    std::string goal;               // what less was asked for of
    std::optional<double> latency;  // goal latency: measured, over the dense model's
    std::vector<NarrowedLayer> narrowed;
    SparseCounts sparse;  // constants that are stored as values and places
    std::vector<std::string> warnings;
    std::vector<PassRun> passes;
};

Document describe(const PruneReport& report);
std::string to_json(const PruneReport& report);

}  // namespace mcompress
