// What searches found: sensitivity, budget, self-check.
#include "report/describe_search.h"

#include <algorithm>
#include <cmath>

#include "report/describe.h"
#include "support/format.h"

namespace mcompress {

namespace {

// A reader wants the top of the list; the JSON report has all of it.
constexpr std::size_t kShownSources = 20;

std::string kind_of(const NoiseSource& source) { return source.kind == NoiseSource::Kind::Activation ? "value" : "weights"; }

/// Decibels of a source that may change nothing at all.
std::string level(double value) { return std::isnan(value) ? "" : decibels(value); }

TextTable fallback_table(const std::vector<FallbackStep>& steps, const std::string& title) {
    const bool has_wide = std::any_of(steps.begin(), steps.end(), [](const FallbackStep& step) { return step.wide.has_value(); });
    std::vector<std::pair<std::string, Align>> columns{
        {title, Align::Left}, {"because of", Align::Left}, {"share of the error", Align::Right}, {"float MACs so far", Align::Right}};
    if (has_wide) columns.insert(columns.end(), {{"16-bit MACs so far", Align::Right}, {"as", Align::Left}});
    TextTable table(columns);
    for (const FallbackStep& step : steps) {
        std::string nodes;
        for (const std::string& node : step.wide ? step.values : step.nodes) nodes += (nodes.empty() ? "" : ", ") + node;
        std::vector<std::string> row{nodes, format("{} '{}'", step.kind == NoiseSource::Kind::Weight ? "weights of" : "value", step.source),
                                     percent(step.share, 1), percent(step.macs_share, 1)};
        if (has_wide)
            row.insert(row.end(),
                       {percent(step.wide_macs_share, 1), step.wide ? std::string(dtype_name(*step.wide)) + " values" : "float"});
        table.add_row(std::move(row));
    }
    return table;
}

std::string measure_text(const SelfCheckMeasure& measure, const SelfCheckLimits& limits) {
    std::string text = format("{} SQNR of the worst output", decibels(measure.sqnr_db));
    if (measure.agreement) text += format(", {} of the decisions agree", percent(*measure.agreement, 1));
    return text + (measure.judged_by_agreement ? format(" (collapsed when under {}, beyond chance or with less than {:g} dB)",
                                                        percent(limits.least_agreement, 0), limits.least_sqnr_db)
                                               : format(" (collapsed when under {})", decibels(limits.least_sqnr_db)));
}

void add_ranking(Document& document, const std::vector<RankedSource>& ranking) {
    TextTable table({{"quantizing", Align::Left},
                     {"", Align::Left},
                     {"op", Align::Left},
                     {"share of the error", Align::Right},
                     {"output SQNR", Align::Right},
                     {"own SQNR", Align::Right},
                     {"MACs", Align::Right}});
    for (std::size_t at = 0; at < std::min(kShownSources, ranking.size()); ++at) {
        const RankedSource& ranked = ranking[at];
        table.add_row({kind_of(ranked.source), ranked.source.name, ranked.source.op, percent(ranked.share, 1), level(ranked.output_sqnr_db),
                       level(ranked.local_sqnr_db), percent(ranked.macs_share, 1)});
    }
    document.table(std::move(table));
    if (ranking.size() > kShownSources)
        document.paragraph(format("and {} more with less (the JSON report lists all)", ranking.size() - kShownSources));
}

BarChart effect_chart(const SensitivityReport& report) {
    BarChart chart{"share of the error by source", {}};
    for (std::size_t at = 0; at < std::min(kShownSources, report.ranking.size()); ++at) {
        const RankedSource& ranked = report.ranking[at];
        chart.bars.push_back({kind_of(ranked.source) + " " + ranked.source.name, std::max(0.0, ranked.share), percent(ranked.share, 1)});
    }
    return chart;
}

void add_additivity(Document& document, const Additivity& additivity) {
    TextTable sets({{"random half", Align::Left}, {"sources", Align::Right}, {"predicted", Align::Right}, {"measured", Align::Right}});
    for (std::size_t at = 0; at < additivity.sets.size(); ++at) {
        const Additivity::Set& set = additivity.sets[at];
        sets.add_row(
            {std::to_string(at + 1), std::to_string(set.sources), format("{:.4g}", set.predicted), format("{:.4g}", set.measured)});
    }
    document.table(std::move(sets));
    document.paragraph(format("correlation of predicted and measured: {:.3f}", additivity.correlation));
    if (additivity.correlation < 0.5)
        document.paragraph("WARNING: the effects do not add up, so the ranking does not tell what several sources do together", Tone::Bad);
}

}  // namespace

void add_self_check(Document& document, const SelfCheckReport& report) {
    const SelfCheckMeasure& last = report.repaired ? *report.repaired : report.quantized;
    std::vector<std::string> lines{format("{} samples nothing was fitted to: {}", last.samples, measure_text(last, report.limits))};
    if (report.quantized.has_collapsed) {
        if (report.repaired) lines.push_back("all in 8 bits it collapsed: " + measure_text(report.quantized, report.limits));
        lines.insert(lines.end(), report.culprits.begin(), report.culprits.end());
    }
    document.fact("self-check", std::move(lines));
    if (report.quantized.has_collapsed && !report.repaired)
        document.paragraph("WARNING: the model has collapsed and was written as it is", Tone::Bad);
    document.table(fallback_table(report.repair, "put back to float"));
}

void add_budget(Document& document, const BudgetReport& report) {
    std::string first =
        format("{} points of {} may be lost: {:.3f} are with everything in 8 bits", report.max_drop, report.metric, report.drop_int8);
    if (report.samples > 0)
        first += format(" ({} samples{})", report.samples,
                        report.standard_error ? format(": +/- {:.3f} by chance", *report.standard_error) : "");
    if (report.tries.empty() && report.met) return document.fact("budget", first + ", nothing has to stay in float");
    document.fact("budget",
                  {first, format("{}: {:.3f} with {} of the MACs left in float and {} with 16-bit activations, {} full evaluations",
                                 report.met ? "met" : "NOT MET", report.drop, percent(report.float_macs_share, 1),
                                 percent(report.wide_macs_share, 1), report.tries.size() + 1)});
    document.table(fallback_table(report.steps, report.met ? "more than 8 bits" : "tried in float"));
    if (report.met) return;
    add_ranking(document, report.ranking);
    document.paragraph("no model was written", Tone::Bad);
}

Document describe(const SensitivityReport& report) {
    Document document("sensitivity " + report.model);
    document.paragraph(format("{}: what 8 bits cost, source by source ({} samples of {}, metric {})", report.model, report.samples,
                              report.data, report.metric));
    TextTable table({{"quantizing", Align::Left},
                     {"", Align::Left},
                     {"op", Align::Left},
                     {"effect", Align::Right},
                     {"share", Align::Right},
                     {"output SQNR", Align::Right},
                     {"local SQNR", Align::Right},
                     {"cumulative SQNR", Align::Right},
                     {"MACs", Align::Right}});
    double sum = 0.0;
    for (const RankedSource& ranked : report.ranking) {
        sum += ranked.effect;
        const auto cumulative = report.cumulative_sqnr_db.find(ranked.source.name);
        table.add_row({kind_of(ranked.source), ranked.source.name, ranked.source.op, format("{:.3g}", ranked.effect),
                       percent(ranked.share, 1), level(ranked.output_sqnr_db), level(ranked.local_sqnr_db),
                       cumulative == report.cumulative_sqnr_db.end() ? "" : level(cumulative->second), percent(ranked.macs_share, 1)});
    }
    document.chart(effect_chart(report));
    document.table(std::move(table));
    document.paragraph(format("all together {:.4g}; the sum of the effects is {:.4g}", report.effect_of_all, sum));
    if (report.additivity) add_additivity(document, *report.additivity);
    return document;
}

}  // namespace mcompress
