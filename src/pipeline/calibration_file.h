// Calibration tables as JSON files.
#pragma once

#include <filesystem>
#include <string>

#include "quant/calibration_table.h"

namespace mcompress {

/// The same table gives the same bytes.
std::string calibration_table_to_json(const CalibrationTable& table);
/// Throws kTableInvalid saying what is wrong.
CalibrationTable calibration_table_from_json(std::string_view text);

void save_calibration_table(const CalibrationTable& table, const std::filesystem::path& path);
CalibrationTable load_calibration_table(const std::filesystem::path& path);

}  // namespace mcompress
