// What `mcompress factorize` found, as plain data; its writers are free functions.
#pragma once

#include <string>
#include <vector>

#include "factorize/factorize_graph.h"
#include "report/document.h"
#include "report/gate_report.h"
#include "report/report.h"

namespace mcompress {

struct FactorizeReport {
    ModelSummary before;
    ModelSummary after;            // empty when a gate was missed: nothing was written
    std::optional<double> energy;  // as asked
    std::optional<double> ratio;
    CostGate gate = CostGate::Measured;
    std::string data;  // empty: none
    std::size_t samples = 0;
    FactorizeOutcome outcome;
    std::vector<std::string> warnings;
    std::vector<PassRun> passes;
    GateReport gates;
};

Document describe(const FactorizeReport& report);
std::string to_json(const FactorizeReport& report);

}  // namespace mcompress
