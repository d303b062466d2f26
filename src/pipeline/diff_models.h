// What tells two model files apart.
#pragma once

#include <filesystem>

#include "report/diff_report.h"

namespace mcompress {

/// Compares structure, interface, weights, quantizers, functions and metadata of two models. Throws what load_model throws.
DiffReport diff_models(const std::filesystem::path& before, const std::filesystem::path& after);

}  // namespace mcompress
