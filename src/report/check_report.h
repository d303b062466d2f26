// Everything that is wrong or odd about a model, as plain data.
#pragma once

#include <string>
#include <vector>

#include "ir/finding.h"
#include "report/document.h"

namespace mcompress {

/// Whether warnings fail a check.
enum class WarningPolicy { Allow, Refuse };

struct CheckReport {
    std::string model;
    std::uint64_t bytes = 0;    // on disk, external data included
    std::size_t nodes = 0;      // bodies included, functions expanded
    std::size_t constants = 0;  // whose values were looked at
    std::size_t functions = 0;
    std::string stopped_by;         // what could not be looked at, and why; empty when everything was
    std::vector<Finding> findings;  // errors first, then warnings
    std::size_t most_shown = 50;    // in text; everything else has all
    WarningPolicy warnings = WarningPolicy::Allow;

    std::size_t count(Severity severity) const;
};

/// What is expected where the finding itself does not say it; the rule that its code stands for.
std::string expected_of(const Finding& finding);
/// The finding's own, else that of its code.
std::string remedy_of(const Finding& finding);

Document describe(const CheckReport& report);
std::string to_json(const CheckReport& report);

}  // namespace mcompress
