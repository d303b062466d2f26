// ONNX's form of a test: model.onnx and test_data_set_*/{input,output}_*.pb.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ir/model.h"
#include "tensor/tensor.h"

/// One data set's tensors.
struct OnnxDataSet {
    std::filesystem::path folder;
    std::vector<mcompress::Tensor> inputs;   // in the order of the graph's inputs
    std::vector<mcompress::Tensor> outputs;  // in the order of its outputs
};

/// The folders test_data_set_* below `folder`, by name.
std::vector<std::filesystem::path> data_set_folders(const std::filesystem::path& folder);

/// Reads a data set. A tensor with a name goes to the input or output of that name, one without by its number.
OnnxDataSet load_data_set(const std::filesystem::path& folder, const mcompress::Graph& graph);

/// What is different, or nothing: same type and shape, |found - expected| <= atol + rtol·|expected| (NaN equals NaN).
std::string difference(const mcompress::Tensor& found, const mcompress::Tensor& expected, double rtol, double atol);
