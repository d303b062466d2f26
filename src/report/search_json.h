// Parts of reports that come from searches, as JSON values.
#pragma once

#include <nlohmann/json.hpp>

#include "report/report.h"

namespace mcompress {

nlohmann::ordered_json self_check_json(const SelfCheckReport& report);
nlohmann::ordered_json budget_json(const BudgetReport& report);

}  // namespace mcompress
