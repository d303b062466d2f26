// Reports for people: what each of them shows.
#pragma once

#include "report/document.h"
#include "report/report.h"

namespace mcompress {

Document describe(const ModelSummary& summary);
Document describe(const OptimizeReport& report);
Document describe(const ConvertReport& report);
Document describe(const QuantizeReport& report);
Document describe(const ValidateReport& report);
Document describe(const BenchReport& report);
Document describe(const SensitivityReport& report);

/// Any report as text for a terminal.
template <typename Report> std::string to_text(const Report& report) { return to_text(describe(report)); }

}  // namespace mcompress
