// Parts of reports that every command has, as JSON values.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "report/report.h"

namespace mcompress {

/// An object that begins with "schema" and "schema_version".
nlohmann::ordered_json json_document(const char* schema);
nlohmann::ordered_json model_json(const ModelSummary& summary);
/// The document that `mcompress inspect` prints.
nlohmann::ordered_json inspect_json(const ModelSummary& summary);
/// Names and types of inputs or outputs.
nlohmann::ordered_json typed_names_json(const std::vector<std::pair<std::string, std::string>>& values);
/// Without times: a report of the same work must have the same bytes.
nlohmann::ordered_json passes_json(const std::vector<PassRun>& passes);
nlohmann::ordered_json skips_json(const std::vector<Skip>& skips);
/// JSON has no infinity: null.
nlohmann::ordered_json json_number(double value);
/// So is what is not there.
nlohmann::ordered_json json_number(const std::optional<double>& value);
/// Indented text. Names come from models and may hold bytes that are no UTF-8; those are replaced, never thrown on.
std::string dump_json(const nlohmann::ordered_json& json);

}  // namespace mcompress
