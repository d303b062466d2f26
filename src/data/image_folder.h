// A folder of pictures as samples.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "data/dataset.h"
#include "data/preprocess.h"

namespace mcompress {

/// The .jpg, .jpeg and .png files directly in `folder`, sorted by the bytes of their names; hidden files are left out. Each is decoded and
/// preprocessed when it is asked for, as the tensor `input` ("" for the model's first input). Throws kDataEmpty when there is none.
std::unique_ptr<Dataset> make_image_dataset(const std::filesystem::path& folder, PreprocessSpec spec, std::string input = {},
                                            std::int64_t max_pixels = kDefaultMaxPixels);

/// Whether the folder has at least one such file.
bool has_images(const std::filesystem::path& folder);

}  // namespace mcompress
