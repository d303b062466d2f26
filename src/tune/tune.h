// What the stages that improve a model by running it on samples share. Each stage writes what it decided into the scheme or the graph, and a line a finding
// into the notes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "ir/graph.h"
#include "quant/calibration_table.h"
#include "quant/scheme.h"
#include "support/stage_progress.h"

namespace mcompress {

/// What a stage found or did, for the report.
struct TuningNote {
    std::string stage;   // "fit"
    std::string object;  // a node or value, or empty
    std::string text;    // a complete clause
};

struct Tuning {
    QuantizationScheme scheme;
    std::shared_ptr<const Dataset> data;  // all calibration samples
    int threads = 1;
    /// Statistics of a prepared float graph over all of `data`; the graph comes back unchanged.
    std::function<CalibrationTable(Graph& graph)> calibrate = {};
    std::vector<TuningNote> notes = {};
    StageProgress progress = {};
};

}  // namespace mcompress
