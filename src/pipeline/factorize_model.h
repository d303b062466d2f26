// A model whose large products are two or three smaller ones, from file to file.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "onnx/stamp.h"
#include "report/factorize_report.h"

namespace mcompress {

/// What the result must keep on held-out samples; absent: not asked. Where a limit is missed nothing is written, and the report says so.
struct FactorizeGates {
    std::optional<double> min_sqnr;       // dB, of the worst output
    std::optional<double> min_agreement;  // percent of a classifier's decisions

    bool are_asked() const { return min_sqnr || min_agreement; }
};

struct FactorizeRequest {
    std::filesystem::path model;
    std::filesystem::path output;
    FactorizeOptions options = {};
    std::vector<std::string> exclude = {};  // selectors (passes/quantize/select_nodes.h) of nodes to leave alone
    FactorizeGates gates = {};              // need data
    std::string data_name = {};
    std::optional<Stamp> stamp = {};  // put into the model
};

/// Prepares the model (as for quantize) and factorizes it. Throws kUsage when energy or ratio are not shares, when both or neither are given, and when no
/// layer is worth it.
FactorizeReport factorize_model(const FactorizeRequest& request);

}  // namespace mcompress
