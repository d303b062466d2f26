// Whether samples are fit to calibrate a model on.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <vector>

#include "calibrate/data_check.h"
#include "data/dataset.h"

namespace mcompress {

enum class UnfitData { Refuse, Allow };

/// What the samples alone and the model's first layers tell against the data, the worst first. Throws kDataUnfit with the evidence, what was expected and the
/// remedy when something makes it unfit, unless that is allowed.
std::vector<DataFinding> check_data(const std::filesystem::path& model, const Dataset& data, int threads, UnfitData unfit);

/// Samples made up for a model that came without: see tune/synthetic_data.h.
std::unique_ptr<Dataset> synthetic_data(const std::filesystem::path& model, std::size_t count, int threads);

}  // namespace mcompress
