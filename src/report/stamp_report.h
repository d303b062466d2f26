// What became of a stamp when it was checked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/document.h"

namespace mcompress {

/// One digest of a stamp, beside the one that was computed anew.
struct StampCheck {
    std::string name;                  // "model", "input", …
    std::vector<std::string> stamped;  // several sets of samples can have been used; any of them is right
    std::optional<std::string> found;  // nothing: not asked for

    enum class Verdict { Matches, Differs, NotChecked };
    Verdict verdict() const;
};

struct StampReport {
    std::string model;
    std::string tool;
    std::vector<StampCheck> checks;

    bool matches() const;
};

Document describe(const StampReport& report);
std::string to_json(const StampReport& report);

}  // namespace mcompress
