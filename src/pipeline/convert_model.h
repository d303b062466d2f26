// Another form of the same quantized model: pairs of quantizers around float operators, or operators on codes.
#pragma once

#include <filesystem>

#include "ir/model.h"
#include "report/report.h"

namespace mcompress {

struct ConvertRequest {
    std::filesystem::path model;
    std::filesystem::path output;
    QuantizedForm form = QuantizedForm::Qdq;
};

/// Writes a quantized model in the other form; the numbers stay. Throws kUsage when nothing in it can be converted and nothing is in that form.
ConvertReport convert_model(const ConvertRequest& request);

/// Brings a graph into a form; types are inferred.
std::vector<PassRun> convert_graph(Graph& graph, QuantizedForm form);

}  // namespace mcompress
