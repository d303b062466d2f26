#include "report/judgement.h"

#include <algorithm>

#include "report/check_report.h"
#include "report/cluster_report.h"
#include "report/diff_report.h"
#include "report/factorize_report.h"
#include "report/float_report.h"
#include "report/gate_report.h"
#include "report/recipe_report.h"
#include "report/report.h"
#include "support/format.h"

namespace mcompress {

namespace {

constexpr const char* kGateRemedy = "loosen the limit, or give the step more effort, data or exceptions";

/// Those that lost most, as far as layers were compared.
std::vector<std::string> worst_layers(const ValidateReport& report) {
    constexpr std::size_t kMost = 10;
    std::vector<const LayerFidelity*> layers;
    for (const LayerFidelity& layer : report.layers)
        if (layer.measure.count > 0) layers.push_back(&layer);
    std::stable_sort(layers.begin(), layers.end(),
                     [](const auto* a, const auto* b) { return a->measure.sqnr_db() < b->measure.sqnr_db(); });
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < std::min(kMost, layers.size()); ++at)
        lines.push_back(format("{} ({}): {}", layers[at]->value, layers[at]->op, decibels(layers[at]->measure.sqnr_db())));
    return lines;
}

}  // namespace

JudgedCase gate_case(std::string name, bool passed, std::string message) {
    return {codes::kGateFailed, "gates", std::move(name), passed ? Verdict::Passed : Verdict::Failed, std::move(message), kGateRemedy};
}

Judgement judgement_of(const CheckReport& report) {
    Judgement judgement{"check", report.model, {}};
    for (const Finding& finding : report.findings) {
        const bool fails = finding.severity == Severity::Error || report.warnings == WarningPolicy::Refuse;
        judgement.cases.push_back({finding.code, "findings", finding.object, fails ? Verdict::Failed : Verdict::Warned,
                                   finding.found + ", expected " + expected_of(finding), remedy_of(finding)});
    }
    if (report.findings.empty())
        judgement.cases.push_back({codes::kModelInvalid, "findings", "model", Verdict::Passed, "nothing is wrong"});
    return judgement;
}

Judgement judgement_of(const ClusterReport& report) { return judgement_of_gates("cluster", report.before.path, report.gates); }

Judgement judgement_of(const ConvertReport& report) { return {"convert", report.after.path, {}}; }

Judgement judgement_of(const DiffReport& report) {
    JudgedCase identical{codes::kGateFailed, "gates", "identical", Verdict::Passed, "the models are identical"};
    if (!report.is_identical) {
        identical.verdict = report.must_be_identical ? Verdict::Failed : Verdict::Warned;
        identical.message =
            format("{} nodes removed, {} added, {} changed, {} weights and {} quantizers different", report.nodes_removed.size(),
                   report.nodes_added.size(), report.nodes_changed.size(), report.weights.size(), report.quantizers.size());
        identical.remedy = "mcompress diff lists what is different";
    }
    return {"diff", report.after, {identical}};
}

Judgement judgement_of(const FactorizeReport& report) { return judgement_of_gates("factorize", report.before.path, report.gates); }

Judgement judgement_of(const FloatReport& report) { return judgement_of_gates("convert", report.before.path, report.gates); }

Judgement judgement_of(const QuantizeReport& report) {
    const bool is_written = !report.budget || report.budget->met;
    Judgement judgement{"quantize", is_written ? report.after.path : report.before.path, {}};
    if (report.budget)
        judgement.cases.push_back(
            gate_case("max-drop", report.budget->met,
                      format("{}: limit {:g} points, lost {:.4g}", report.budget->metric, report.budget->max_drop, report.budget->drop)));
    return judgement;
}

Judgement judgement_of(const RecipeReport& report) {
    Judgement judgement{"run", report.recipe, {}};
    for (std::size_t at = 0; at < report.steps.size(); ++at) {
        if (!report.steps[at].judgement) continue;
        for (JudgedCase each : report.steps[at].judgement->cases) {
            each.group = format("{}. {} {}", at + 1, report.steps[at].command, each.group);
            judgement.cases.push_back(std::move(each));
        }
    }
    return judgement;
}

Judgement judgement_of(const ValidateReport& report) {
    Judgement judgement{"validate", report.candidate.path, {}};
    for (const Gate& gate : report.gates) {
        JudgedCase each = gate_case(gate.name, gate.passed, format("limit {:g}, measured {:.4f}", gate.limit, gate.measured));
        if (!gate.passed) each.details = worst_layers(report);
        judgement.cases.push_back(std::move(each));
        if (gate.name != "min-sqnr") continue;
        for (const OutputFidelity& output : report.fidelity.outputs) {
            JudgedCase single = gate_case(format("{} of output '{}'", gate.name, output.name), output.measure.sqnr_db() >= gate.limit,
                                          format("limit {:g}, measured {}", gate.limit, decibels(output.measure.sqnr_db())));
            single.group = "outputs";
            judgement.cases.push_back(std::move(single));
        }
    }
    return judgement;
}

}  // namespace mcompress
