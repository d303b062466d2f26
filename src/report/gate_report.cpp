// Gates as text, as JSON, and as cases that pipelines read.
#include "report/gate_report.h"

#include <algorithm>

#include "report/model_json.h"
#include "support/format.h"

namespace mcompress {

namespace {

std::string limit_and_measure(const Gate& gate) { return format("limit {:g}, measured {:.4f}", gate.limit, gate.measured); }

}  // namespace

bool GateReport::are_met() const {
    return std::all_of(gates.begin(), gates.end(), [](const Gate& gate) { return gate.passed; });
}

void add_gates(Document& document, const GateReport& report) {
    for (const Gate& gate : report.gates)
        if (gate.passed) document.fact("gate", format("{:<14} {}: passed", gate.name, limit_and_measure(gate)));
        else document.paragraph(format("FAILED: gate {}, {}; nothing was written", gate.name, limit_and_measure(gate)), Tone::Bad);
    if (!report.are_met() && !report.worst.empty()) document.fact("lost most", report.worst);
}

void add_gates(nlohmann::ordered_json& json, const GateReport& report) {
    if (report.gates.empty()) return;
    json["gates"] = nlohmann::ordered_json::array();
    for (const Gate& gate : report.gates)
        json["gates"].push_back(
            {{"name", gate.name}, {"limit", gate.limit}, {"measured", json_number(gate.measured)}, {"passed", gate.passed}});
    json["worst"] = report.worst;
}

Judgement judgement_of_gates(std::string command, std::string artifact, const GateReport& report) {
    Judgement judgement{std::move(command), std::move(artifact), {}};
    for (const Gate& gate : report.gates) {
        JudgedCase each = gate_case(gate.name, gate.passed, limit_and_measure(gate));
        if (!gate.passed) each.details = report.worst;
        judgement.cases.push_back(std::move(each));
    }
    return judgement;
}

}  // namespace mcompress
