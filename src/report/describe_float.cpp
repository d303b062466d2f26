// What `mcompress convert --to` did.
#include <algorithm>
#include <tuple>

#include "report/describe_parts.h"
#include "report/float_report.h"
#include "support/format.h"

namespace mcompress {

namespace {

constexpr std::size_t kShown = 12;

bool is_touched(const RoundingCounts& counts) { return counts.overflow + counts.flushed + counts.subnormal > 0; }

/// The worst first.
std::vector<std::pair<std::string, RoundingCounts>> touched_constants(const FloatReport& report) {
    std::vector<std::pair<std::string, RoundingCounts>> worst;
    for (const auto& [name, counts] : report.rounding)
        if (is_touched(counts)) worst.emplace_back(name, counts);
    const auto weight = [](const RoundingCounts& counts) {
        return std::make_tuple(counts.overflow, counts.flushed_share(), counts.subnormal);
    };
    std::stable_sort(worst.begin(), worst.end(), [&](const auto& a, const auto& b) { return weight(a.second) > weight(b.second); });
    return worst;
}

TextTable rounding_table(const std::vector<std::pair<std::string, RoundingCounts>>& worst, std::size_t shown) {
    TextTable table({{"constant", Align::Left},
                     {"numbers", Align::Right},
                     {"overflow", Align::Right},
                     {"become 0", Align::Right},
                     {"subnormal", Align::Right},
                     {"largest", Align::Right}});
    for (std::size_t index = 0; index < std::min(worst.size(), shown); ++index) {
        const auto& [name, counts] = worst[index];
        table.add_row({name, with_thousands(counts.elements), with_thousands(counts.overflow), with_thousands(counts.flushed),
                       with_thousands(counts.subnormal), format("{:.4g}", counts.largest)});
    }
    return table;
}

void add_rounding(Document& document, const FloatReport& report) {
    RoundingCounts all;
    for (const auto& [name, counts] : report.rounding) {
        all.elements += counts.elements;
        all.overflow += counts.overflow;
        all.flushed += counts.flushed;
        all.subnormal += counts.subnormal;
    }
    document.paragraph(format("of {} numbers in {} constants {} overflow, {} become 0, {} become subnormal", with_thousands(all.elements),
                              report.rounding.size(), with_thousands(all.overflow), with_thousands(all.flushed),
                              with_thousands(all.subnormal)));
    const auto worst = touched_constants(report);
    document.table(rounding_table(worst, kShown));
    if (worst.size() > kShown) document.long_table("every constant that loses digits", rounding_table(worst, worst.size()));
}

void add_fidelity(Document& document, const FloatReport& report) {
    document.paragraph(format("against the model as it was, {} samples of {}:", report.fidelity->samples, report.data));
    TextTable table({{"output", Align::Left}, {"SQNR", Align::Right}, {"largest error", Align::Right}, {"cosine", Align::Right}});
    for (const OutputFidelity& output : report.fidelity->outputs)
        table.add_row({output.name, decibels(output.measure.sqnr_db()), format("{:.3g}", output.measure.max_absolute),
                       format("{:.8f}", output.measure.cosine())});
    document.table(table);
    document.fact("constants alone", format("{} with nothing but the constants rounded", decibels(report.constants_sqnr_db)));
    if (report.fidelity->agreement) document.fact("decisions that agree", format("{:.2f} %", *report.fidelity->agreement));
}

TextTable tries_table(const FloatReport& report) {
    TextTable table({{"values left in float32", Align::Right}, {"worst SQNR", Align::Right}, {"agreement", Align::Right}});
    for (const FloatTry& each : report.search.tries)
        table.add_row({std::to_string(each.kept), decibels(each.worst_sqnr_db), each.agreement ? format("{:.2f} %", *each.agreement) : ""});
    return table;
}

}  // namespace

Document describe(const FloatReport& report) {
    Document document(format("convert {} to {}", report.before.path, dtype_name(report.conversion.to)));
    add_gates(document, report.gates);
    if (report.gates.are_met()) {
        document.table(before_after_table(report.before, report.after));
        document.chart(size_chart(report.before, report.after));
    }
    document.paragraph(format("{} nodes compute in {}; {} constants stored so, {} casts where the types meet", report.nodes,
                              dtype_name(report.conversion.to), report.constants, report.casts));
    if (!report.rounding.empty()) add_rounding(document, report);
    if (report.fidelity) add_fidelity(document, report);
    document.table(tries_table(report));
    for (const Skip& note : report.notes) document.paragraph(format("{} {}", note.node, note.reason));
    document.table(skip_table(report.kept, "stays as it is because"));
    return document;
}

}  // namespace mcompress
