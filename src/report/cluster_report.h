// What `mcompress cluster` found, as plain data; its writers are free functions.
#pragma once

#include <string>
#include <vector>

#include "passes/compress/cluster_weights.h"
#include "report/document.h"
#include "report/gate_report.h"
#include "report/report.h"

namespace mcompress {

struct ClusterReport {
    ModelSummary before;
    ModelSummary after;  // empty when a gate was missed: nothing was written
    int bits = 8;
    CodeStorage storage = CodeStorage::Bytes;
    std::vector<ClusteredWeight> weights;  // as the graph orders their first readers
    std::vector<Skip> skipped;             // with the reason
    std::vector<PassRun> passes;
    GateReport gates;
};

Document describe(const ClusterReport& report);
std::string to_json(const ClusterReport& report);

}  // namespace mcompress
