// A model as a compressed archive, and back.
#pragma once

#include <filesystem>

#include "pack/archive.h"
#include "report/pack_report.h"

namespace mcompress {

/// The model and its data files under the names they have in an archive.
std::vector<PackInput> files_of_model(const std::filesystem::path& model);

/// Packs a model with its data files. Throws what load_model() throws: only sound models are packed.
PackReport pack_model(const std::filesystem::path& model, const std::filesystem::path& archive, const PackOptions& options);

PackReport unpack_model(const std::filesystem::path& archive, const std::filesystem::path& model, const UnpackOptions& options);

}  // namespace mcompress
