// The right class of every sample.
#pragma once

#include <filesystem>
#include <vector>

#include "data/dataset.h"

namespace mcompress {

/// The class index of each sample of `data`. A text file has lines "file index", where file is a sample's name (the last part of a path
/// counts); empty lines and lines beginning with # are left out, and lines about other files do no harm. A .npy file has one integer for
/// each sample, in order. Throws kLabelsMismatch when a sample has no label, has two different ones, or the numbers do not fit;
/// kDataInvalid when a line cannot be read.
std::vector<std::int64_t> load_labels(const std::filesystem::path& path, const Dataset& data);

}  // namespace mcompress
