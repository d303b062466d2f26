// Raw and compressed bytes of a model, constant by constant.
#pragma once

#include <filesystem>

#include "ir/model.h"
#include "report/inspect_report.h"

namespace mcompress {

/// Compresses the model at a low level of zstd without writing anything, and counts the zeros of every constant of 1 KiB or more.
SizeReport inspect_sizes(const Model& model, const std::filesystem::path& path, int threads);

}  // namespace mcompress
