// A golden pass test: one text file, one behaviour. docs/adding-a-pass.md describes the syntax.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fixtures/random_tensors.h"
#include "ir/model.h"
#include "passes/registry.h"

namespace mcompress::testing {

struct GoldenCase {
    std::filesystem::path path;
    std::string pass;    // from the folder: fuse_conv_bn → fuse-conv-bn
    std::string header;  // verbatim, up to the first section
    std::string before, after, skipped;

    struct Constant {
        std::string name;
        Tensor value;
    };
    int opset = 13;
    std::vector<Constant> constants;
    std::vector<Constant> defaults;  // of graph inputs
    OpenDims dims;
    std::map<std::string, ValueBounds> bounds;
    double tolerance = 0.0;
    bool is_executed = true;
    QuantizationScheme scheme;
    CalibrationTable calibration;
    FloatConversion float_conversion;

    /// Throws std::runtime_error naming the file and the line it does not understand.
    static GoldenCase read(const std::filesystem::path& path);
    /// The graph of section `before` with its constants.
    std::unique_ptr<Model> make_model() const;
    /// The file with these results in place of its own.
    std::string rendered(const std::string& new_after, const std::string& new_skipped) const;
};

}  // namespace mcompress::testing
