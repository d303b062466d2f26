// A model without the channels that add nothing to its outputs.
#pragma once

#include <filesystem>
#include <optional>

#include "onnx/planned_files.h"
#include "onnx/stamp.h"
#include "passes/compress/channel_units.h"
#include "report/compact_report.h"
#include "support/stage_progress.h"

namespace mcompress {

/// Cleans a model, removes what is provably dead and writes it: same outputs to float rounding. A model without dead channels is written as it is cleaned.
/// With `planned` nothing is written: it takes what would be.
CompactReport compact_model(const std::filesystem::path& model, const std::filesystem::path& output, const std::optional<Stamp>& stamp = {},
                            PlannedFiles* planned = nullptr, const StageProgress& progress = {});

/// Layers of both lists by name whose width differs.
std::vector<NarrowedLayer> narrowed_layers(const std::vector<LayerWidth>& before, const std::vector<LayerWidth>& after);

}  // namespace mcompress
