// --sparse-format dense|coo of commands that write models.
#pragma once

#include <CLI/CLI.hpp>

#include "enum_option.h"
#include "pipeline/sparse_output.h"

namespace mcompress {

inline void add_sparse_format(CLI::App& app, SparseFormat& sparse) {
    add_enum_option<SparseFormat>(app, "--sparse-format", sparse, {{"dense", SparseFormat::Dense}, {"coo", SparseFormat::Coordinates}},
                                  "coo: constants as values and int64 places where that is smaller (ONNX's sparse initializers)");
}

}  // namespace mcompress
