// Parts of reports that come from searches.
#pragma once

#include "report/document.h"
#include "report/report.h"

namespace mcompress {

void add_self_check(Document& document, const SelfCheckReport& report);
void add_budget(Document& document, const BudgetReport& report);

}  // namespace mcompress
