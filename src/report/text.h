// Reports as text for people.
#pragma once

#include <string>

#include "report/report.h"

namespace mcompress {

std::string to_text(const ModelSummary& summary);
std::string to_text(const OptimizeReport& report);
std::string to_text(const ConvertReport& report);
std::string to_text(const QuantizeReport& report);
std::string to_text(const ValidateReport& report);
std::string to_text(const BenchReport& report);
std::string to_text(const SensitivityReport& report);

/// The steps of a plan: name, operator, kernel, precision.
std::string steps_to_text(const StepSummary& steps);

}  // namespace mcompress
