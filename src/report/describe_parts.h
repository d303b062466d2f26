// Tables that several reports show.
#pragma once

#include <string>
#include <vector>

#include "report/document.h"
#include "report/report.h"

namespace mcompress {

/// Bytes, parameters, MACs and nodes of two models side by side, and the operators whose number changed.
TextTable before_after_table(const ModelSummary& before, const ModelSummary& after);
/// Bytes and parameters before and after, drawn.
BarChart size_chart(const ModelSummary& before, const ModelSummary& after);
/// Passes that rewrote something, with their time.
TextTable pass_table(const std::vector<PassRun>& passes);
TextTable skip_table(const std::vector<Skip>& skips, const std::string& last_column);
/// "12 of 17,056 output channels …" and what would become of them.
std::string saturation_line(const SaturationSummary& saturation);

}  // namespace mcompress
