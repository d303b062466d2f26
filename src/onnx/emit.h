// Model → ONNX file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "ir/model.h"
#include "onnx/planned_files.h"
#include "onnx/stamp.h"

namespace mcompress {

enum class ExternalData { WhenNeeded, Always };  // needed: the file would pass 2 GiB

struct EmitOptions {
    ExternalData external_data = ExternalData::WhenNeeded;
    std::uint64_t single_file_limit = (std::uint64_t{1} << 31) - 1;  // lowered by tests
    std::int64_t external_threshold = 1024;                          // bytes; smaller tensors stay inside
    const Stamp* stamp = nullptr;                                    // sealed and put into the model's metadata
    PlannedFiles* planned = nullptr;                                 // not null: takes what would be written, and nothing is
};

/// Bytes written, over all files.
struct EmitResult {
    std::uint64_t bytes = 0;
    std::filesystem::path data_file;  // empty: none
};

/// Writes atomically; the data file is written and synced first, the model renamed last. Throws kPrivateOperator when the graph holds
/// operators of the mcompress domain, kFileUnwritable. Same model, same bytes.
EmitResult emit_model(const Model& model, const std::filesystem::path& path, const EmitOptions& options = {});

/// The serialized model without external data. Throws kTooLarge beyond 2 GiB.
std::string emit_model_bytes(const Model& model);

}  // namespace mcompress
