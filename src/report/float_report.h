// What `mcompress convert --to` found.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "passes/compress/float_conversion.h"
#include "passes/compress/half_rounding.h"
#include "report/document.h"
#include "report/gate_report.h"
#include "report/report.h"

namespace mcompress {

/// The worst output of a conversion on data.
struct FloatFidelity {
    std::size_t samples = 0;
    std::vector<OutputFidelity> outputs;
    double worst_sqnr_db = 0.0;
    std::optional<double> agreement;  // percent of a classifier's decisions
};

/// One attempt to meet a limit with so many nodes left in float32.
struct FloatTry {
    std::size_t kept = 0;
    double worst_sqnr_db = 0.0;
    std::optional<double> agreement;
};

/// A value that is rounded, and what the outputs keep when nothing else is.
struct RoundedValue {
    std::string value;
    std::string op;
    double sqnr_db = 0.0;
};

/// The search for what to leave in float32.
struct FloatSearch {
    FloatFidelity without;  // with nothing left
    std::vector<FloatTry> tries;
    std::vector<RoundedValue> worst;  // what costs most
};

struct FloatReport {
    ModelSummary before;
    ModelSummary after;  // empty when a gate was missed: nothing was written
    FloatConversion conversion;
    int nodes = 0;                                   // that compute in the new type
    int casts = 0;                                   // put where the types meet
    int constants = 0;                               // stored in the new type
    std::vector<Skip> kept;                          // nodes left as they are, with the reason
    std::map<std::string, RoundingCounts> rounding;  // by constant
    std::string data;
    std::optional<FloatFidelity> fidelity;
    double constants_sqnr_db = 0.0;  // worst output with only the constants rounded
    FloatSearch search;              // when a limit was given and not met at once
    std::vector<Skip> notes;
    std::vector<PassRun> passes;
    GateReport gates;
};

Document describe(const FloatReport& report);
std::string to_json(const FloatReport& report);

}  // namespace mcompress
