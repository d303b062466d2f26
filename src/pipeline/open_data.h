// The data a command names, made to fit a model.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"
#include "ir/graph.h"

namespace mcompress {

struct DataRequest {
    std::string path;                                                // as open_dataset() reads it
    std::string preset;                                              // preprocessing of pictures; empty: none
    std::vector<std::pair<std::string, std::string>> image_options;  // key, value, over the preset: see set_preprocess_option()
    bool whole_arrays = false;                                       // .npy and .npz hold one sample, not a leading axis of samples
    std::size_t limit = 0;                                           // use the first samples only; 0: all
};

/// Opens the data for a model. Pictures take layout, element type and channels from the model's image input where the request leaves them
/// open. Throws what open_dataset() throws.
std::unique_ptr<Dataset> open_data(const DataRequest& request, const Graph& graph);

}  // namespace mcompress
