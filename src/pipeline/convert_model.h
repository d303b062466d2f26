// Another form of the same quantized model: pairs of quantizers around float operators, or operators on codes.
#pragma once

#include <filesystem>
#include <optional>

#include "ir/model.h"
#include "onnx/planned_files.h"
#include "onnx/stamp.h"
#include "report/report.h"

namespace mcompress {

struct ConvertRequest {
    std::filesystem::path model;
    std::filesystem::path output;
    QuantizedForm form = QuantizedForm::Qdq;
    std::optional<Stamp> stamp = {};  // put into the model
    PlannedFiles* planned = nullptr;  // not null: takes what would be written, and nothing is
};

/// Writes a quantized model in the other form; the numbers stay. Throws kUsage when nothing in it can be converted and nothing is in that form.
ConvertReport convert_model(const ConvertRequest& request);

/// Brings a graph into a form; types are inferred.
std::vector<PassRun> convert_graph(Graph& graph, QuantizedForm form);

}  // namespace mcompress
