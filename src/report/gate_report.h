// Limits that a command was given, and what is to blame where one is missed.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report/document.h"
#include "report/judgement.h"
#include "report/report.h"

namespace mcompress {

struct GateReport {
    std::vector<Gate> gates;         // those that were asked for
    std::vector<std::string> worst;  // what lost most, a line each, the worst first

    bool are_met() const;
};

/// A line a gate, and below one that is missed what lost most.
void add_gates(Document& document, const GateReport& report);
/// Puts "gates" and "worst" into a report's JSON, if there are gates.
void add_gates(nlohmann::ordered_json& json, const GateReport& report);
/// A case a gate.
Judgement judgement_of_gates(std::string command, std::string artifact, const GateReport& report);

}  // namespace mcompress
