// The files beside a model that hold its weights.
#pragma once

#include <filesystem>
#include <vector>

namespace mcompress {

/// Every file that initializers of the main graph name as their external data, as paths; whether they exist is not looked at. Nothing for what is no model.
std::vector<std::filesystem::path> data_files_of(const std::filesystem::path& model);

}  // namespace mcompress
