// A dataset from what a person names on the command line.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "data/array_dataset.h"
#include "data/dataset.h"
#include "data/image_folder.h"
#include "data/npz_file.h"
#include "data/preprocess.h"
#include "data/tensor_folder.h"

namespace mcompress {

struct DataOptions {
    std::optional<PreprocessSpec> preprocess = {};  // needed for pictures
    SampleAxis axis = SampleAxis::Leading;          // for .npy and .npz
    TensorReader read_tensor = {};                  // needed for test_data_set_*/input_*.pb
    std::uint64_t npz_limit = kDefaultNpzLimit;
    std::int64_t max_pixels = kDefaultMaxPixels;
};

/// Opens, by what the path is:
///   file.npy, file.npz          samples along the leading axis (or as options.axis says); the keys of an .npz name the inputs
///   a=x.npy,b=y.npy             one file for each input
///   folder of .jpg/.jpeg/.png   pictures, preprocessed
///   folder of test_data_set_*   tensors in the ONNX format, also one such folder itself
/// Throws kFileMissing, kDataInvalid for an unknown kind, kDataEmpty, and kUsage when pictures come without preprocessing.
std::unique_ptr<Dataset> open_dataset(const std::string& path, const DataOptions& options);

}  // namespace mcompress
