// How far a model is from its reference.
#include <algorithm>
#include <cmath>

#include "report/describe.h"
#include "report/describe_parts.h"
#include "support/format.h"

namespace mcompress {

namespace {

TextTable classification_table(const ValidateReport& report, const ClassificationResult& result) {
    TextTable table({{"", Align::Left}, {"reference", Align::Right}, {"candidate", Align::Right}, {"change", Align::Right}});
    const auto points = [&](std::size_t from, std::size_t to) {
        return format("{:+.2f} points", 100.0 * (result.share(to) - result.share(from)));
    };
    if (result.has_labels) {
        table.add_row({"top-1", percent(result.share(result.reference_top1)), percent(result.share(result.candidate_top1)),
                       points(result.reference_top1, result.candidate_top1) + format(" (+/- {:.2f} by chance)", result.top1_drop_error())});
        table.add_row({"top-5", percent(result.share(result.reference_top5)), percent(result.share(result.candidate_top5)),
                       points(result.reference_top5, result.candidate_top5)});
    }
    if (report.latency)
        table.add_row({format("latency, batch 1, {} thread{}{}", report.latency_threads, report.latency_threads == 1 ? "" : "s",
                              report.contention.is_contended() ? " (machine not quiet)" : ""),
                       format("{:.3f} ms", report.latency->reference.median_ms), format("{:.3f} ms", report.latency->candidate.median_ms),
                       format("{:.2f}x", report.latency->speedup)});
    table.add_row({"bytes on disk", with_thousands(static_cast<std::int64_t>(report.reference.bytes)),
                   with_thousands(static_cast<std::int64_t>(report.candidate.bytes)),
                   format("{:.3f}x", static_cast<double>(report.candidate.bytes) /
                                         static_cast<double>(std::max<std::uint64_t>(1, report.reference.bytes)))});
    return table;
}

TextTable output_table(const ValidateReport& report) {
    TextTable outputs({{"output", Align::Left}, {"SQNR", Align::Right}, {"cosine", Align::Right}, {"agreement", Align::Right}});
    for (std::size_t at = 0; at < report.fidelity.outputs.size(); ++at) {
        const OutputFidelity& output = report.fidelity.outputs[at];
        const bool decides = at == 0 && report.fidelity.classification;
        outputs.add_row({output.name, decibels(output.measure.sqnr_db()), format("{:.6f}", output.measure.cosine()),
                         decides ? percent(report.fidelity.classification->agreement()) : ""});
    }
    return outputs;
}

void add_layers(Document& document, const ValidateReport& report) {
    constexpr std::size_t kShown = 10, kDrawn = 60;
    std::vector<const LayerFidelity*> layers;
    for (const LayerFidelity& layer : report.layers)
        if (layer.measure.count > 0) layers.push_back(&layer);
    BarChart chart{format("SQNR of {}layers in the order of the graph (short bars lost most)",
                          layers.size() > kDrawn ? format("the first {} of {} ", kDrawn, layers.size()) : ""),
                   {}};
    TextTable all({{"layer", Align::Left}, {"op", Align::Left}, {"SQNR", Align::Right}, {"cosine", Align::Right}});
    const auto cells = [](const LayerFidelity& layer) {
        return std::vector<std::string>{layer.value, layer.op, decibels(layer.measure.sqnr_db()), format("{:.6f}", layer.measure.cosine())};
    };
    for (const LayerFidelity* layer : layers) {
        const double db = layer->measure.sqnr_db();
        if (chart.bars.size() < kDrawn) chart.bars.push_back({layer->value, std::isnan(db) ? 0.0 : std::max(0.0, db), decibels(db)});
        all.add_row(cells(*layer));
    }
    std::stable_sort(layers.begin(), layers.end(),
                     [](const auto* a, const auto* b) { return a->measure.sqnr_db() < b->measure.sqnr_db(); });
    TextTable table({{"least faithful layers", Align::Left}, {"op", Align::Left}, {"SQNR", Align::Right}, {"cosine", Align::Right}});
    for (std::size_t at = 0; at < std::min(kShown, layers.size()); ++at) table.add_row(cells(*layers[at]));
    document.table(std::move(table));
    if (layers.size() > kShown)
        document.paragraph(format("({} layers compared over {} samples; the JSON report lists all)", layers.size(), report.layer_samples));
    if (const auto rescaled = std::count_if(layers.begin(), layers.end(), [](const auto* layer) { return layer->rescaled; }))
        document.paragraph(format("({} were compared after the factors that equalization gave their channels were taken back)",
                                  rescaled == 1 ? "values of 1 layer" : format("values of {} layers", rescaled)));
    document.chart(std::move(chart));
    document.long_table("all layers", std::move(all));
}

TextTable step_table(const StepSummary& steps) {
    TextTable table(
        {{"step", Align::Left}, {"operators", Align::Left}, {"kernel", Align::Left}, {"precision", Align::Left}, {"MACs", Align::Right}});
    for (const StepInfo& step : steps.details) table.add_row({step.name, step.op, step.kernel, step.precision, with_thousands(step.macs)});
    return table;
}

}  // namespace

Document describe(const ValidateReport& report) {
    Document document("validate " + report.candidate.path);
    document.fact("reference", report.reference.path);
    document.fact("candidate", report.candidate.path);
    document.fact("data", format("{} ({} samples)", report.data, report.fidelity.samples));
    if (report.emulated) {
        document.fact("emulated", {format("x86 without VNNI (AVX2): {} of {} integer products computed with saturation",
                                          report.emulated->emulated_products, report.emulated->products),
                                   saturation_line(*report.emulated)});
        document.table(skip_table(report.emulated->not_emulated, "not emulated because"));
    }
    for (const Gate& gate : report.gates)
        if (!gate.passed)
            document.paragraph(format("FAILED: gate {}, limit {:g}, measured {:.4f}", gate.name, gate.limit, gate.measured), Tone::Bad);
    document.table(classification_table(report, report.fidelity.classification.value_or(ClassificationResult{})));
    document.chart(size_chart(report.reference, report.candidate));
    if (report.latency)
        document.chart(
            BarChart{"median latency",
                     {{"reference", report.latency->reference.median_ms, format("{:.3f} ms", report.latency->reference.median_ms)},
                      {"candidate", report.latency->candidate.median_ms, format("{:.3f} ms", report.latency->candidate.median_ms)}}});
    document.table(output_table(report));
    add_layers(document, report);
    document.paragraph(
        format("candidate runs in {} steps, {} of them in int8", report.candidate_steps.steps, report.candidate_steps.int8_steps));
    for (const Gate& gate : report.gates)
        document.fact("gate", format("{:<14} limit {:g}, measured {:.4f}: {}", gate.name, gate.limit, gate.measured,
                                     gate.passed ? "passed" : "FAILED"));
    if (report.step_detail == StepDetail::Shown) document.table(step_table(report.candidate_steps));
    else document.long_table("steps of the candidate", step_table(report.candidate_steps));
    return document;
}

}  // namespace mcompress
