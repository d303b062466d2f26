// Parts of the quantize report that come from searches, as text.
#pragma once

#include <string>

#include "report/report.h"

namespace mcompress {

std::string self_check_text(const SelfCheckReport& report);
std::string budget_text(const BudgetReport& report);
/// The first `shown` rows.
std::string ranking_text(const std::vector<RankedSource>& ranking, std::size_t shown);

}  // namespace mcompress
