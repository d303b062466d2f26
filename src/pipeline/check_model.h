// Everything that is wrong with a model, in one go.
#pragma once

#include <filesystem>

#include "report/check_report.h"

namespace mcompress {

/// Reads as much of the model as can be read and checks what it read: file, structure, names, tensors, external data, functions, operators, types and
/// shapes, and the values of weights. The first error among the findings is the one that every other command would end in.
/// Throws kFile… when the model's own file cannot be read.
CheckReport check_model(const std::filesystem::path& path, int threads);

}  // namespace mcompress
