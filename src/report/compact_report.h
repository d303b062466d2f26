// What compacting found and did, as plain data.
#pragma once

#include <string>
#include <vector>

#include "report/document.h"
#include "report/report.h"

namespace mcompress {

/// A layer that lost channels.
struct NarrowedLayer {
    std::string node, op;
    std::int64_t before = 0, after = 0;
};

struct CompactReport {
    ModelSummary before;
    ModelSummary after;
    int removed = 0;  // units: channels, heads or hidden units with everything that is tied to them
    std::vector<NarrowedLayer> layers;
    std::vector<Skip> kept;  // what is dead and stays, and why
    std::vector<PassRun> passes;
};

Document describe(const CompactReport& report);
std::string to_json(const CompactReport& report);

}  // namespace mcompress
