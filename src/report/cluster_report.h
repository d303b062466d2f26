// What `mcompress cluster` found, as plain data; its writers are free functions.
#pragma once

#include <string>
#include <vector>

#include "passes/compress/cluster_weights.h"
#include "report/document.h"
#include "report/report.h"

namespace mcompress {

struct ClusterReport {
    ModelSummary before;
    ModelSummary after;
    int bits = 8;
    CodeStorage storage = CodeStorage::Bytes;
    std::vector<ClusteredWeight> weights;  // as the graph orders their first readers
    std::vector<Skip> skipped;             // with the reason
    std::vector<PassRun> passes;
};

Document describe(const ClusterReport& report);
std::string to_json(const ClusterReport& report);

}  // namespace mcompress
