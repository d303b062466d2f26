// Model → what a report says about it.
#pragma once

#include <filesystem>
#include <optional>

#include "ir/model.h"
#include "onnx/planned_files.h"
#include "onnx/stamp.h"
#include "report/report.h"

namespace mcompress {

/// Looks at a loaded model whose types have been inferred as far as possible; `path` names the file it came from or went to.
ModelSummary summarize(const Model& model, const std::filesystem::path& path);

/// Writes the model, with a stamp when there is one, and looks at what was written. Files that its tensors were read from are no part of that, and neither is
/// the stamp of the model it was made of. With `planned` nothing is written: it takes what would be.
ModelSummary emit_and_summarize(Model& model, const std::filesystem::path& path, const std::optional<Stamp>& stamp,
                                PlannedFiles* planned = nullptr);

/// Bytes of a model file and of the external data files it names.
std::uint64_t model_file_bytes(const Model& model, const std::filesystem::path& path);

/// Summary of a plan's steps: how many run in int8.
StepSummary summarize_steps(const ExecutionPlan& plan);

/// The codes of a quantized graph that 16-bit sums of products would cut; nothing when no product forms such sums.
std::optional<SaturationSummary> summarize_saturation(const Graph& graph);

}  // namespace mcompress
