// What clustering made of the weights.
#include "report/cluster_report.h"
#include "report/describe_parts.h"
#include "support/format.h"

namespace mcompress {

namespace {

std::string shape_text(const std::vector<std::int64_t>& shape) {
    std::string text;
    for (const std::int64_t extent : shape) text += (text.empty() ? "" : "x") + std::to_string(extent);
    return text;
}

TextTable weights_table(const std::vector<ClusteredWeight>& weights) {
    TextTable table({{"weight of", Align::Left},
                     {"op", Align::Left},
                     {"shape", Align::Left},
                     {"levels", Align::Right},
                     {"row scales", Align::Left},
                     {"zeros", Align::Right},
                     {"SQNR", Align::Right},
                     {"entropy", Align::Right},
                     {"bytes", Align::Right},
                     {"after", Align::Right}});
    for (const ClusteredWeight& weight : weights)
        table.add_row({weight.node, weight.op, shape_text(weight.shape), std::to_string(weight.levels),
                       weight.has_row_scales ? "yes" : "no", percent(weight.zeros, 1) + (weight.is_zero_level ? ", kept" : ""),
                       decibels(weight.sqnr_db), format("{:.2f} bits", weight.code_entropy), with_thousands(weight.bytes_before),
                       with_thousands(weight.bytes_after)});
    return table;
}

}  // namespace

Document describe(const ClusterReport& report) {
    Document document("cluster " + report.before.path);
    add_gates(document, report.gates);
    if (report.gates.are_met()) {
        document.table(before_after_table(report.before, report.after));
        document.chart(size_chart(report.before, report.after));
    }
    document.paragraph(
        format("{} weights became codes of at most {} levels, stored as {}; a runtime looks them up once, while it loads the model",
               report.weights.size(), 1 << report.bits, report.storage == CodeStorage::Packed ? "uint4" : "uint8"));
    document.table(weights_table(report.weights));
    document.table(skip_table(report.skipped, "its weight stays because"));
    return document;
}

}  // namespace mcompress
