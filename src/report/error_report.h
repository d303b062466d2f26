// Error codes explained.
#pragma once

#include <string>
#include <vector>

#include "report/document.h"
#include "support/error_catalog.h"

namespace mcompress {

struct ErrorReport {
    std::vector<ErrorEntry> entries;
};

/// One entry at length, several as a table.
Document describe(const ErrorReport& report);
std::string to_json(const ErrorReport& report);

}  // namespace mcompress
