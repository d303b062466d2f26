// What searches found, as text.
#include <algorithm>
#include <cmath>

#include "report/search_text.h"
#include "report/text.h"
#include "report/text_table.h"
#include "support/format.h"

namespace mcompress {

namespace {

// A reader wants the top of the list; the JSON report has all of it.
constexpr std::size_t kShownSources = 20;

std::string kind_of(const NoiseSource& source) { return source.kind == NoiseSource::Kind::Activation ? "value" : "weights"; }

/// Decibels of a source that may change nothing at all.
std::string level(double value) { return std::isnan(value) ? "" : decibels(value); }

std::string steps_text(const std::vector<FallbackStep>& steps, const std::string& title) {
    TextTable table(
        {{title, Align::Left}, {"because of", Align::Left}, {"share of the error", Align::Right}, {"float MACs so far", Align::Right}});
    for (const FallbackStep& step : steps) {
        std::string nodes;
        for (const std::string& node : step.nodes) nodes += (nodes.empty() ? "" : ", ") + node;
        table.add_row({nodes, format("{} '{}'", step.kind == NoiseSource::Kind::Weight ? "weights of" : "value", step.source),
                       percent(step.share, 1), percent(step.macs_share, 1)});
    }
    return table.to_string();
}

std::string measure_text(const SelfCheckMeasure& measure, const SelfCheckLimits& limits) {
    std::string text = format("{} SQNR of the worst output", decibels(measure.sqnr_db));
    if (measure.agreement) text += format(", {} of the decisions agree", percent(*measure.agreement, 1));
    return text + (measure.judged_by_agreement ? format(" (collapsed when under {}, beyond chance)", percent(limits.least_agreement, 0))
                                               : format(" (collapsed when under {})", decibels(limits.least_sqnr_db)));
}

}  // namespace

std::string ranking_text(const std::vector<RankedSource>& ranking, std::size_t shown) {
    TextTable table({{"quantizing", Align::Left},
                     {"", Align::Left},
                     {"op", Align::Left},
                     {"share of the error", Align::Right},
                     {"output SQNR", Align::Right},
                     {"own SQNR", Align::Right},
                     {"MACs", Align::Right}});
    for (std::size_t at = 0; at < std::min(shown, ranking.size()); ++at) {
        const RankedSource& ranked = ranking[at];
        table.add_row({kind_of(ranked.source), ranked.source.name, ranked.source.op, percent(ranked.share, 1), level(ranked.output_sqnr_db),
                       level(ranked.local_sqnr_db), percent(ranked.macs_share, 1)});
    }
    std::string text = table.to_string();
    if (ranking.size() > shown) text += format("and {} more with less (--json lists all)\n", ranking.size() - shown);
    return text;
}

std::string self_check_text(const SelfCheckReport& report) {
    const SelfCheckMeasure& last = report.repaired ? *report.repaired : report.quantized;
    std::string text = format("self-check   {} samples nothing was fitted to: {}\n", last.samples, measure_text(last, report.limits));
    if (!report.quantized.has_collapsed) return text;
    text += report.repaired ? format("             all in 8 bits it collapsed: {}\n", measure_text(report.quantized, report.limits))
                            : "             WARNING: the model has collapsed and was written as it is\n";
    for (const std::string& culprit : report.culprits) text += format("             {}\n", printable(culprit));
    if (!report.repair.empty()) text += "\n" + steps_text(report.repair, "put back to float");
    return text;
}

std::string budget_text(const BudgetReport& report) {
    std::string text = format("budget       {} points of {} may be lost: {:.3f} are with everything in 8 bits", report.max_drop,
                              report.metric, report.drop_int8);
    if (report.samples > 0) text += format(" ({} samples)", report.samples);
    if (report.tries.empty() && report.met) return text + ", nothing has to stay in float\n";
    text += format("\n             {}: {:.3f} with {} of the MACs left in float, {} full evaluations\n", report.met ? "met" : "NOT MET",
                   report.drop, percent(report.float_macs_share, 1), report.tries.size() + 1);
    if (!report.steps.empty()) text += "\n" + steps_text(report.steps, report.met ? "left in float" : "tried in float");
    if (!report.met) text += "\n" + ranking_text(report.ranking, kShownSources) + "\nno model was written\n";
    return text;
}

std::string to_text(const SensitivityReport& report) {
    std::string text = format("{}: what 8 bits cost, source by source ({} samples of {}, metric {})\n\n", report.model, report.samples,
                              report.data, report.metric);
    TextTable table({{"quantizing", Align::Left},
                     {"", Align::Left},
                     {"op", Align::Left},
                     {"effect", Align::Right},
                     {"share", Align::Right},
                     {"output SQNR", Align::Right},
                     {"local SQNR", Align::Right},
                     {"cumulative SQNR", Align::Right},
                     {"MACs", Align::Right}});
    for (const RankedSource& ranked : report.ranking) {
        const auto cumulative = report.cumulative_sqnr_db.find(ranked.source.name);
        table.add_row({kind_of(ranked.source), ranked.source.name, ranked.source.op, format("{:.3g}", ranked.effect),
                       percent(ranked.share, 1), level(ranked.output_sqnr_db), level(ranked.local_sqnr_db),
                       cumulative == report.cumulative_sqnr_db.end() ? "" : level(cumulative->second), percent(ranked.macs_share, 1)});
    }
    text += table.to_string();
    double sum = 0.0;
    for (const RankedSource& ranked : report.ranking) sum += ranked.effect;
    text += format("\nall together {:.4g}; the sum of the effects is {:.4g}\n", report.effect_of_all, sum);
    if (!report.additivity) return text;
    TextTable sets({{"random half", Align::Left}, {"sources", Align::Right}, {"predicted", Align::Right}, {"measured", Align::Right}});
    for (std::size_t at = 0; at < report.additivity->sets.size(); ++at) {
        const Additivity::Set& set = report.additivity->sets[at];
        sets.add_row(
            {std::to_string(at + 1), std::to_string(set.sources), format("{:.4g}", set.predicted), format("{:.4g}", set.measured)});
    }
    text += "\n" + sets.to_string() + format("correlation of predicted and measured: {:.3f}\n", report.additivity->correlation);
    if (report.additivity->correlation < 0.5)
        text += "WARNING: the effects do not add up, so the ranking does not tell what several sources do together\n";
    return text;
}

}  // namespace mcompress
