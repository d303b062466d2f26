// What models are made of, and what rewriting did to them.
#include <algorithm>

#include "report/describe.h"
#include "report/describe_parts.h"
#include "support/format.h"

namespace mcompress {

namespace {

void add_interface(Document& document, const char* title, const std::vector<std::pair<std::string, std::string>>& values) {
    std::vector<std::string> lines;
    for (const auto& [name, type] : values) lines.push_back(type + " " + name);
    if (!lines.empty()) document.fact(title, std::move(lines));
}

std::string opset_line(const ModelSummary& summary) {
    std::string opsets;
    for (const auto& [domain, version] : summary.opsets)
        opsets += (opsets.empty() ? "" : ", ") + format("{} {}", domain.empty() ? "ai.onnx" : domain, version);
    return format("{} (IR version {}{})", opsets, summary.ir_version, summary.producer.empty() ? "" : ", made by " + summary.producer);
}

void add_passes(Document& document, const std::vector<PassRun>& passes) {
    TextTable table = pass_table(passes);
    if (table.empty()) document.paragraph("no pass found anything to do");
    else document.table(std::move(table));
}

}  // namespace

Document describe(const ModelSummary& summary) {
    Document document("inspect " + summary.path);
    document.fact("model", summary.path);
    document.fact("size", format("{} ({})", with_thousands(static_cast<std::int64_t>(summary.bytes)), human_bytes(summary.bytes)));
    document.fact("precision", summary.precision);
    document.fact("opset", opset_line(summary));
    add_interface(document, "inputs", summary.inputs);
    add_interface(document, "outputs", summary.outputs);
    document.fact("parameters", format("{} ({})", with_thousands(summary.cost.parameters),
                                       human_bytes(static_cast<std::uint64_t>(summary.cost.parameter_bytes))));
    document.fact(
        "MACs", with_thousands(summary.cost.macs) +
                    (summary.cost.unknown_macs > 0 ? format(" (and {} nodes whose shapes are not known)", summary.cost.unknown_macs) : ""));
    document.fact("fingerprint", summary.fingerprint);
    TextTable dtypes({{"constants", Align::Left}, {"bytes", Align::Right}});
    for (const auto& [dtype, bytes] : summary.cost.bytes_by_dtype) dtypes.add_row({dtype, with_thousands(bytes)});
    document.table(std::move(dtypes));
    std::vector<std::pair<std::string, int>> ops(summary.cost.op_counts.begin(), summary.cost.op_counts.end());
    std::stable_sort(ops.begin(), ops.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    TextTable table({{"operator", Align::Left}, {"nodes", Align::Right}});
    for (const auto& [op, count] : ops) table.add_row({op, std::to_string(count)});
    document.table(std::move(table));
    return document;
}

Document describe(const OptimizeReport& report) {
    Document document("optimize " + report.before.path);
    document.table(before_after_table(report.before, report.after));
    document.chart(size_chart(report.before, report.after));
    add_passes(document, report.passes);
    return document;
}

Document describe(const ConvertReport& report) {
    Document document("convert " + report.before.path);
    document.table(before_after_table(report.before, report.after));
    document.paragraph(format("{} nodes became {}", report.converted,
                              report.form == QuantizedForm::Qdq ? "float operators between quantizers" : "operators on codes"));
    document.table(skip_table(report.kept, "stays as it is because"));
    return document;
}

}  // namespace mcompress
