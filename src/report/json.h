// Reports as JSON for machines. Every document has "schema" (its name) and "schema_version"; changes within a version only add.
#pragma once

#include <string>

#include "report/report.h"

namespace mcompress {

std::string to_json(const ModelSummary& summary);
std::string to_json(const OptimizeReport& report);
std::string to_json(const ConvertReport& report);
std::string to_json(const QuantizeReport& report);
std::string to_json(const ValidateReport& report);
std::string to_json(const BenchReport& report);
std::string to_json(const SensitivityReport& report);

}  // namespace mcompress
