// What factorization made of the layers.
#include "report/describe_parts.h"
#include "report/factorize_report.h"
#include "support/format.h"

namespace mcompress {

namespace {

std::string share(std::int64_t after, std::int64_t before) {
    return before > 0 ? percent(static_cast<double>(after) / static_cast<double>(before), 1) : "";
}

std::string error(std::optional<double> value) { return value ? percent(*value, 2) : ""; }

TextTable layers_table(const std::vector<FactorizedLayer>& layers) {
    TextTable table({{"layer", Align::Left},
                     {"op", Align::Left},
                     {"form", Align::Left},
                     {"rank", Align::Right},
                     {"parameters", Align::Right},
                     {"MACs", Align::Right},
                     {"error predicted", Align::Right},
                     {"measured", Align::Right},
                     {"in the network", Align::Right},
                     {"refitted", Align::Left},
                     {"time", Align::Right}});
    for (const FactorizedLayer& layer : layers)
        table.add_row({layer.node, layer.op, layer.form,
                       layer.inner_rank > 0 ? format("{}, {}", layer.inner_rank, layer.rank) : std::to_string(layer.rank),
                       share(layer.parameters_after, layer.parameters_before), share(layer.macs_after, layer.macs_before),
                       error(layer.predicted_error), error(layer.measured_error), error(layer.final_error),
                       layer.is_refitted ? "yes" : "no", layer.time_ratio ? percent(*layer.time_ratio, 0) : ""});
    return table;
}

}  // namespace

Document describe(const FactorizeReport& report) {
    Document document("factorize " + report.before.path);
    add_gates(document, report.gates);
    if (report.gates.are_met()) {
        document.table(before_after_table(report.before, report.after));
        document.chart(size_chart(report.before, report.after));
    }
    document.fact("asked for", report.energy ? format("{} of the energy of every layer's output", percent(*report.energy, 2))
                                             : format("{} of the MACs of the layers that can be factorized", percent(*report.ratio, 1)));
    document.fact("data", report.data.empty() ? "none: errors are those of the weights"
                                              : format("{} samples from {}", report.samples, report.data));
    document.fact("MACs", format("{} of the layers looked at", share(report.outcome.macs_after, report.outcome.macs_before)));
    if (report.outcome.output_sqnr_db)
        document.fact("outputs",
                      format("{} SQNR of the worst one on held-out samples{}", decibels(*report.outcome.output_sqnr_db),
                             report.outcome.agreement ? format(", {} of the decisions agree", percent(*report.outcome.agreement, 1))
                                                      : std::string()));
    for (const std::string& warning : report.warnings) document.paragraph(warning, Tone::Bad);
    document.table(layers_table(report.outcome.layers));
    document.table(skip_table(report.outcome.skipped, "stays whole because"));
    return document;
}

}  // namespace mcompress
