// A model whose large products are two or three smaller ones, from file to file.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "onnx/stamp.h"
#include "report/factorize_report.h"

namespace mcompress {

struct FactorizeRequest {
    std::filesystem::path model;
    std::filesystem::path output;
    FactorizeOptions options = {};
    std::vector<std::string> exclude = {};  // selectors (passes/quantize/select_nodes.h) of nodes to leave alone
    std::string data_name = {};
    std::optional<Stamp> stamp = {};  // put into the model
};

/// Prepares the model (as for quantize) and factorizes it. Throws kUsage when energy or ratio are not shares, when both or neither are given, and when no
/// layer is worth it.
FactorizeReport factorize_model(const FactorizeRequest& request);

}  // namespace mcompress
