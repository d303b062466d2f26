// Writing a model with its constants in coordinate format, where that is smaller.
#pragma once

#include <filesystem>
#include <optional>

#include "ir/model.h"
#include "onnx/planned_files.h"
#include "onnx/sparse_constants.h"
#include "onnx/stamp.h"
#include "report/report.h"

namespace mcompress {

enum class SparseFormat { Dense, Coordinates };

struct WrittenModel {
    ModelSummary summary;
    SparseCounts sparse;  // of the constants that changed form
};

/// Writes the model and looks at what was written. Coordinates: constants that gain by it become sparse initializers first, and the IR version becomes one
/// that knows them. `planned` as for emit_and_summarize().
WrittenModel emit_as(Model& model, const std::filesystem::path& path, SparseFormat sparse, const std::optional<Stamp>& stamp,
                     PlannedFiles* planned = nullptr);

}  // namespace mcompress
