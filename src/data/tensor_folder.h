// Test data in the layout of the ONNX model zoo: test_data_set_0/input_0.pb, input_1.pb, …
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "data/dataset.h"

namespace mcompress {

/// Reads a serialized tensor and its name (which may be empty). The ONNX format is not this layer's business: the caller brings a reader.
using TensorReader = std::function<Tensor(const std::filesystem::path& path, std::string* name)>;

/// Whether `folder` holds input_*.pb, or folders test_data_set_* that do.
bool has_tensor_files(const std::filesystem::path& folder);

/// One sample for each folder test_data_set_N, in the order of N, or `folder` itself as the one sample. Throws kDataEmpty when there is none.
std::unique_ptr<Dataset> make_tensor_folder_dataset(const std::filesystem::path& folder, TensorReader reader);

}  // namespace mcompress
