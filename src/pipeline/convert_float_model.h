// A float32 model in half precision, or a half precision model in float32.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "onnx/planned_files.h"
#include "onnx/stamp.h"
#include "passes/compress/float_conversion.h"
#include "pipeline/compress.h"
#include "pipeline/float_fallback.h"
#include "report/float_report.h"

namespace mcompress {

/// What becomes of operators whose constants do not fit the range of the new type.
enum class UnfitConstants { KeepFloat, Refuse };

struct FloatConvertRequest {
    std::filesystem::path model;
    std::filesystem::path output;
    FloatConversion conversion = {};
    std::vector<std::string> exclude = {};  // selectors, see select_nodes()
    UnfitConstants unfit = UnfitConstants::KeepFloat;
    FloatGoal goal = {};            // needs data
    const Dataset* data = nullptr;  // samples to observe ranges on, and to compare outputs
    std::string data_name = {};
    int threads = 1;
    Progress progress = {};
    std::optional<Stamp> stamp = {};  // put into the model
    PlannedFiles* planned = nullptr;  // not null: takes what would be written, and nothing is
};

/// Writes the converted model. Nothing is written, and the report's gates say so, when constants do not fit and that is refused, or when the goal cannot be met. Throws kUsage when there is
/// nothing to convert.
FloatReport convert_float_model(const FloatConvertRequest& request);

}  // namespace mcompress
