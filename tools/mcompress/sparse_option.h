// --sparse-format dense|coo of commands that write models.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>

#include "pipeline/sparse_output.h"

namespace mcompress {

inline void add_sparse_format(CLI::App& app, SparseFormat& sparse) {
    const std::map<std::string, SparseFormat> names{{"dense", SparseFormat::Dense}, {"coo", SparseFormat::Coordinates}};
    app.add_option("--sparse-format", sparse,
                   "coo: constants as values and int64 places where that is smaller (ONNX's sparse initializers)")
        ->transform(CLI::CheckedTransformer(names).description("{dense,coo}"));
}

}  // namespace mcompress
