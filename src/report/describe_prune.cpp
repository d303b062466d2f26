// What pruning did, for people.
#include "report/describe_parts.h"
#include "report/prune_report.h"
#include "support/format.h"

namespace mcompress {

namespace {

double share_of(std::int64_t part, std::int64_t whole) { return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0; }

std::string bytes_line(const PruneReport& report) {
    if (report.sparse.constants > 0)
        return format("{} -> {}", with_thousands(static_cast<std::int64_t>(report.before.bytes)),
                      with_thousands(static_cast<std::int64_t>(report.after.bytes)));
    return format("{} -> {} as they are: zeros take as much room as other numbers until the file is compressed",
                  with_thousands(static_cast<std::int64_t>(report.before.bytes)),
                  with_thousands(static_cast<std::int64_t>(report.after.bytes)));
}

void add_held_out(Document& document, const PruneReport& report) {
    if (!report.outcome.fidelity) return;
    const HeldOutFidelity& fidelity = *report.outcome.fidelity;
    std::string text = format("{} of {} samples, which nothing was fitted to: {} output SQNR", fidelity.samples, report.samples,
                              decibels(fidelity.sqnr_db));
    if (fidelity.agreement) text += format(", {} of the decisions agree", percent(*fidelity.agreement, 1));
    document.fact("held out", text);
}

void add_channel_facts(Document& document, const PruneReport& report) {
    document.fact("removed", format("{} of {} channels, heads and hidden units", report.removed_units, report.units));
    document.fact("how", format("pattern {}, criterion {}, repair {}", report.pattern, report.criterion, report.repair));
    document.fact("goal", format("{} of the {}", percent(1.0 - report.sparsity, 1), report.goal));
    if (report.latency)
        document.fact("latency",
                      format("{} of the dense model's, measured here, when the widths were chosen", percent(*report.latency, 1)));
    document.fact("faster on", report.faster_on);
    add_held_out(document, report);
    document.table(before_after_table(report.before, report.after));
    TextTable layers({{"layer", Align::Left}, {"op", Align::Left}, {"channels", Align::Right}, {"now", Align::Right}});
    for (const NarrowedLayer& layer : report.narrowed)
        layers.add_row({layer.node, layer.op, with_thousands(layer.before), with_thousands(layer.after)});
    document.table(std::move(layers));
}

void add_facts(Document& document, const PruneReport& report) {
    if (!report.narrowed.empty()) return add_channel_facts(document, report);
    const PruneOutcome& outcome = report.outcome;
    document.fact("zeros", format("{} of {} prunable weights ({}; asked for {})", with_thousands(outcome.zeros),
                                  with_thousands(outcome.prunable_weights), percent(share_of(outcome.zeros, outcome.prunable_weights)),
                                  percent(share_of(outcome.wanted_zeros, outcome.prunable_weights))));
    document.fact("how",
                  format("pattern {}, criterion {}, scope {}, repair {}", report.pattern, report.criterion, report.scope, report.repair));
    document.fact("bytes", bytes_line(report));
    if (outcome.packed_bytes)
        document.fact("packed", format("the constants' {} bytes take {} in an archive (.mcz), {}; asked for {}",
                                       with_thousands(report.after.cost.parameter_bytes), with_thousands(*outcome.packed_bytes),
                                       percent(share_of(*outcome.packed_bytes, report.after.cost.parameter_bytes)),
                                       with_thousands(*report.packed_goal)));
    if (report.sparse.constants > 0)
        document.fact("sparse", format("{} constants as values and places: {} instead of {} bytes", report.sparse.constants,
                                       with_thousands(static_cast<std::int64_t>(report.sparse.sparse)),
                                       with_thousands(static_cast<std::int64_t>(report.sparse.dense))));
    document.fact("MACs",
                  format("{}, of which {} ({}) multiply by zero", with_thousands(report.after.cost.macs),
                         with_thousands(report.macs_with_zeros), percent(share_of(report.macs_with_zeros, report.after.cost.macs), 1)));
    document.fact("faster on", report.faster_on);
    add_held_out(document, report);
}

TextTable layer_table(const PruneOutcome& outcome) {
    std::vector<std::pair<std::string, Align>> columns{
        {"layer", Align::Left}, {"op", Align::Left}, {"weights", Align::Right}, {"zeros", Align::Right}, {"pattern", Align::Left}};
    if (outcome.fidelity) {
        columns.emplace_back("error", Align::Right);
        columns.emplace_back("repaired", Align::Right);
        columns.emplace_back("by", Align::Left);
    }
    TextTable table(columns);
    for (const LayerOutcome& layer : outcome.layers) {
        std::vector<std::string> row{layer.node, layer.op, with_thousands(layer.weights), percent(share_of(layer.zeros, layer.weights), 1),
                                     layer.pattern};
        const bool is_repaired = layer.repair != "none";
        if (layer.error_before) row.push_back(format("{:.4f}", *layer.error_before));
        if (layer.error_before && is_repaired) row.insert(row.end(), {format("{:.4f}", *layer.error_after), layer.repair});
        table.add_row(std::move(row));
    }
    return table;
}

}  // namespace

Document describe(const PruneReport& report) {
    Document document(format("prune {}", report.before.path));
    document.fact("model", format("{} -> {}", report.before.path, report.after.path));
    add_facts(document, report);
    for (const std::string& warning : report.warnings) document.paragraph("WARNING: " + warning, Tone::Bad);
    document.table(layer_table(report.outcome));
    document.table(
        skip_table(report.outcome.skipped, report.narrowed.empty() ? "not pruned, because" : "keeps all of its channels, because"));
    return document;
}

}  // namespace mcompress
