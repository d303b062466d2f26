#include "report/text.h"

#include <algorithm>
#include <map>
#include <set>

#include "quant/target.h"
#include "report/search_text.h"
#include "report/text_table.h"
#include "support/format.h"

namespace mcompress {

namespace {

std::string change(double before, double after) {
    if (before == 0.0) return after == 0.0 ? "" : "new";
    return format("{:+.1f} %", 100.0 * (after / before - 1.0));
}

void add_number(TextTable& table, const std::string& name, std::int64_t before, std::int64_t after) {
    table.add_row({name, with_thousands(before), with_thousands(after), change(static_cast<double>(before), static_cast<double>(after))});
}

std::string before_after(const ModelSummary& before, const ModelSummary& after) {
    TextTable table({{"", Align::Left}, {"before", Align::Right}, {"after", Align::Right}, {"change", Align::Right}});
    add_number(table, "bytes on disk", static_cast<std::int64_t>(before.bytes), static_cast<std::int64_t>(after.bytes));
    add_number(table, "parameter bytes", before.cost.parameter_bytes, after.cost.parameter_bytes);
    add_number(table, "parameters", before.cost.parameters, after.cost.parameters);
    add_number(table, "MACs", before.cost.macs, after.cost.macs);
    add_number(table, "nodes", static_cast<std::int64_t>(before.nodes), static_cast<std::int64_t>(after.nodes));
    std::set<std::string> ops;
    for (const auto& [op, count] : before.cost.op_counts) ops.insert(op);
    for (const auto& [op, count] : after.cost.op_counts) ops.insert(op);
    for (const std::string& op : ops) {
        const auto count = [&](const ModelSummary& model) {
            const auto found = model.cost.op_counts.find(op);
            return found == model.cost.op_counts.end() ? 0 : found->second;
        };
        if (count(before) != count(after)) add_number(table, "  " + op, count(before), count(after));
    }
    return table.to_string();
}

std::string pass_table(const std::vector<PassRun>& passes) {
    std::map<std::string, std::pair<int, double>> totals;
    std::vector<std::string> order;
    for (const PassRun& run : passes) {
        if (!totals.contains(run.name)) order.push_back(run.name);
        totals[run.name].first += run.result.rewrites;
        totals[run.name].second += run.seconds;
    }
    TextTable table({{"pass", Align::Left}, {"rewrites", Align::Right}, {"ms", Align::Right}});
    for (const std::string& name : order)
        if (totals[name].first > 0) table.add_row({name, std::to_string(totals[name].first), format("{:.1f}", 1e3 * totals[name].second)});
    return table.empty() ? "no pass found anything to do\n" : table.to_string();
}

std::string skip_table(const std::vector<Skip>& skips, const std::string& last_column) {
    TextTable table({{"node", Align::Left}, {"op", Align::Left}, {last_column, Align::Left}});
    for (const Skip& skip : skips) table.add_row({skip.node, skip.op, skip.reason});
    return table.to_string();
}

std::string interface_text(const char* title, const std::vector<std::pair<std::string, std::string>>& values) {
    std::string text;
    for (const auto& [name, type] : values) text += format("{:<12} {} {}\n", text.empty() ? title : "", printable(type), printable(name));
    return text;
}

std::string classification_text(const ValidateReport& report, const ClassificationResult& result) {
    TextTable table({{"", Align::Left}, {"reference", Align::Right}, {"candidate", Align::Right}, {"change", Align::Right}});
    const auto points = [&](std::size_t from, std::size_t to) {
        return format("{:+.2f} points", 100.0 * (result.share(to) - result.share(from)));
    };
    if (result.has_labels) {
        table.add_row({"top-1", percent(result.share(result.reference_top1)), percent(result.share(result.candidate_top1)),
                       points(result.reference_top1, result.candidate_top1)});
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
    return table.to_string();
}

std::string layer_table(const ValidateReport& report) {
    constexpr std::size_t kShown = 10;
    std::vector<const LayerFidelity*> worst;
    for (const LayerFidelity& layer : report.layers)
        if (layer.measure.count > 0) worst.push_back(&layer);
    std::stable_sort(worst.begin(), worst.end(), [](const auto* a, const auto* b) { return a->measure.sqnr_db() < b->measure.sqnr_db(); });
    TextTable table({{"least faithful layers", Align::Left}, {"op", Align::Left}, {"SQNR", Align::Right}, {"cosine", Align::Right}});
    for (std::size_t at = 0; at < std::min(kShown, worst.size()); ++at)
        table.add_row(
            {worst[at]->value, worst[at]->op, decibels(worst[at]->measure.sqnr_db()), format("{:.6f}", worst[at]->measure.cosine())});
    std::string text = table.to_string();
    if (worst.size() > kShown)
        text += format("({} layers compared over {} samples; --json lists all)\n", worst.size(), report.layer_samples);
    return text;
}

/// What the blocks gained and cost: all weights together, then those that lost most.
std::string weights_text(const QuantizeReport& report) {
    constexpr std::size_t kListed = 8;
    if (report.weights.empty()) return {};
    std::int64_t before = 0, after = 0;
    double weight_db = 0.0, output_db = 0.0, without_db = 0.0;
    std::size_t judged = 0, asked = 0;
    for (const WeightFit& fit : report.weights) {
        before += fit.bytes_before;
        after += fit.bytes_after;
        weight_db += fit.weight_sqnr_db;
        asked += fit.rounding == report.weight_only.rounding ? 1 : 0;
        if (!fit.output_sqnr_db) continue;
        ++judged;
        output_db += *fit.output_sqnr_db;
        without_db += *fit.output_sqnr_db_without;
    }
    const WeightOnlyScheme& scheme = report.weight_only;
    std::string text =
        format("weights      {} in {} bits, blocks of {}, {} ({} of them), zero points {}: {} -> {} bytes, {} mean SQNR\n",
               report.weights.size(), scheme.bits, scheme.block, name_of(scheme.rounding), asked, name_of(scheme.zero_points),
               with_thousands(before), with_thousands(after), decibels(weight_db / static_cast<double>(report.weights.size())));
    if (judged > 0)
        text += format("             outputs of their layers on held-out samples: {} mean SQNR, {} without fitting\n",
                       decibels(output_db / static_cast<double>(judged)), decibels(without_db / static_cast<double>(judged)));
    std::vector<const WeightFit*> worst;
    for (const WeightFit& fit : report.weights) worst.push_back(&fit);
    const auto quality = [](const WeightFit& fit) { return fit.output_sqnr_db.value_or(fit.weight_sqnr_db); };
    std::stable_sort(worst.begin(), worst.end(), [&](const WeightFit* a, const WeightFit* b) { return quality(*a) < quality(*b); });
    TextTable table({{"weight", Align::Left},
                     {"inputs", Align::Right},
                     {"columns", Align::Right},
                     {"bytes", Align::Right},
                     {"rounding", Align::Left},
                     {"SQNR", Align::Right},
                     {judged > 0 ? "of its outputs" : "", Align::Right},
                     {"", Align::Left}});
    for (std::size_t at = 0; at < std::min(kListed, worst.size()); ++at) {
        const WeightFit& fit = *worst[at];
        table.add_row({fit.weight, std::to_string(fit.inner), std::to_string(fit.columns), with_thousands(fit.bytes_after),
                       std::string(name_of(fit.rounding)), decibels(fit.weight_sqnr_db),
                       fit.output_sqnr_db ? decibels(*fit.output_sqnr_db) : "", fit.note});
    }
    return text + "\n" + table.to_string();
}

/// "12 of 17,056 output channels" and what would become of them.
std::string saturation_text(const SaturationSummary& saturation) {
    if (saturation.at_risk == 0)
        return format("no pair of codes of {} output channels can saturate in 16 bits (x86 without VNNI)",
                      with_thousands(saturation.channels));
    return format("{} of {} output channels can saturate in 16 bits (x86 without VNNI); the worst pair of codes has {} of 128, in '{}'",
                  with_thousands(saturation.at_risk), with_thousands(saturation.channels), saturation.worst_pair,
                  printable(saturation.worst_node));
}

std::string scheme_text(const QuantizationScheme& scheme) {
    return format("for {}: {} activations, {}, {} weights per {}", find_target(scheme.target).runtime, dtype_name(scheme.activation_dtype),
                  scheme.activation_symmetry == Symmetry::Symmetric ? "symmetric" : "asymmetric", dtype_name(scheme.weight_dtype),
                  scheme.weight_granularity == Granularity::PerChannel ? "channel" : "tensor");
}

}  // namespace

std::string to_text(const ModelSummary& summary) {
    std::string text = format("{}\n", printable(summary.path));
    text += format("{:<12} {} ({})\n", "size", with_thousands(static_cast<std::int64_t>(summary.bytes)), human_bytes(summary.bytes));
    text += format("{:<12} {}\n", "precision", summary.precision);
    std::string opsets;
    for (const auto& [domain, version] : summary.opsets)
        opsets += (opsets.empty() ? "" : ", ") + format("{} {}", domain.empty() ? "ai.onnx" : printable(domain), version);
    text += format("{:<12} {} (IR version {}{})\n", "opset", opsets, summary.ir_version,
                   summary.producer.empty() ? "" : ", made by " + printable(summary.producer));
    text += interface_text("inputs", summary.inputs);
    text += interface_text("outputs", summary.outputs);
    text += format("{:<12} {} ({})\n", "parameters", with_thousands(summary.cost.parameters),
                   human_bytes(static_cast<std::uint64_t>(summary.cost.parameter_bytes)));
    text += format("{:<12} {}{}\n", "MACs", with_thousands(summary.cost.macs),
                   summary.cost.unknown_macs > 0 ? format(" (and {} nodes whose shapes are not known)", summary.cost.unknown_macs) : "");
    text += format("{:<12} {}\n", "fingerprint", summary.fingerprint);
    TextTable dtypes({{"constants", Align::Left}, {"bytes", Align::Right}});
    for (const auto& [dtype, bytes] : summary.cost.bytes_by_dtype) dtypes.add_row({dtype, with_thousands(bytes)});
    if (!dtypes.empty()) text += "\n" + dtypes.to_string();
    std::vector<std::pair<std::string, int>> ops(summary.cost.op_counts.begin(), summary.cost.op_counts.end());
    std::stable_sort(ops.begin(), ops.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    TextTable table({{"operator", Align::Left}, {"nodes", Align::Right}});
    for (const auto& [op, count] : ops) table.add_row({op, std::to_string(count)});
    return text + "\n" + table.to_string();
}

std::string to_text(const OptimizeReport& report) { return before_after(report.before, report.after) + "\n" + pass_table(report.passes); }

std::string to_text(const ConvertReport& report) {
    const char* form = report.form == QuantizedForm::Qdq ? "float operators between quantizers" : "operators on codes";
    std::string text = before_after(report.before, report.after) + format("\n{} nodes became {}\n", report.converted, form);
    return report.kept.empty() ? text : text + "\n" + skip_table(report.kept, "stays as it is because");
}

namespace {

std::string dequantized_text(const DequantizeSummary& summary) {
    std::string operators;
    for (const auto& [op, count] : summary.operators) operators += format("{}{} {}", operators.empty() ? "" : ", ", count, op);
    return format("dequantized  the model was quantized already: {} were taken out first;\n"
                  "             weights stay on the grid they had been rounded to, and errors of both quantizations add up\n",
                  operators);
}

}  // namespace

std::string to_text(const QuantizeReport& report) {
    if (report.budget && !report.budget->met) return budget_text(*report.budget);
    std::string text = before_after(report.before, report.after);
    if (report.dequantized) text += "\n" + dequantized_text(*report.dequantized);
    const bool is_static = report.activations == ActivationMode::Static;
    text += format("\nquantized    {} of {} compute nodes, {} of the MACs{}\n", report.quantized_nodes, report.compute_nodes,
                   percent(report.quantized_macs_share),
                   is_static ? format(", {} of the weight bytes", percent(report.quantized_bytes_share)) : "");
    if (is_static) text += "scheme       " + scheme_text(report.scheme) + "\n";
    if (report.wide_nodes > 0)
        text += format(
            "16 bits      {} of the quantized compute nodes read or give 16-bit codes: {} computes them in float, between QuantizeLinear\n"
            "             and DequantizeLinear (more accurate, not faster than float)\n",
            report.wide_nodes, find_target(report.scheme.target).runtime);
    if (report.calibration && report.activations == ActivationMode::Float)
        text += format("calibration  {} samples from {}, for the rounding of the weights; activations stay float\n",
                       report.calibration->samples, printable(report.calibration->source));
    else if (report.calibration)
        text += format("calibration  {} samples from {}, {} values observed, {} ranges\n", report.calibration->samples,
                       printable(report.calibration->source), report.calibration->values, report.calibration->range_method);
    else if (report.activations == ActivationMode::Dynamic)
        text += "calibration  none: activations of matrix products are quantized while the model runs\n";
    else
        text += "calibration  none: only the weights are quantized, activations stay float\n"
                "             (smaller file, no int8 speed; pass --data with a few representative samples for full int8)\n";
    text += weights_text(report);
    if (report.saturation) {
        text += format("pair sums    {}\n", saturation_text(*report.saturation));
        if (report.saturation->at_risk > 0)
            text += "             (mcompress validate --emulate avx2 tells what that costs; --sum-width 16 prevents it)\n";
    }
    if (report.self_check) text += self_check_text(*report.self_check);
    if (report.budget) text += budget_text(*report.budget);
    text +=
        report.left_in_float.empty() ? "\nno node was left in float\n" : "\n" + skip_table(report.left_in_float, "left in float because");
    if (!report.tuning.empty()) {
        TextTable table({{"for accuracy", Align::Left}, {"object", Align::Left}, {"what was done", Align::Left}});
        for (const TuningNote& note : report.tuning) table.add_row({note.stage, note.object, note.text});
        text += "\n" + table.to_string();
    }
    if (!report.notes.empty()) text += "\n" + skip_table(report.notes, "note");
    return text;
}

std::string to_text(const ValidateReport& report) {
    std::string text = format("reference    {}\ncandidate    {}\ndata         {} ({} samples)\n\n", printable(report.reference.path),
                              printable(report.candidate.path), printable(report.data), report.fidelity.samples);
    if (report.emulated) {
        text += format("emulated     x86 without VNNI (AVX2): {} of {} integer products computed with saturation\n             {}\n",
                       report.emulated->emulated_products, report.emulated->products, saturation_text(*report.emulated));
        if (!report.emulated->not_emulated.empty()) text += "\n" + skip_table(report.emulated->not_emulated, "not emulated because");
        text += "\n";
    }
    text += classification_text(report, report.fidelity.classification.value_or(ClassificationResult{}));
    TextTable outputs({{"output", Align::Left}, {"SQNR", Align::Right}, {"cosine", Align::Right}, {"agreement", Align::Right}});
    for (std::size_t at = 0; at < report.fidelity.outputs.size(); ++at) {
        const OutputFidelity& output = report.fidelity.outputs[at];
        const bool decides = at == 0 && report.fidelity.classification;
        outputs.add_row({output.name, decibels(output.measure.sqnr_db()), format("{:.6f}", output.measure.cosine()),
                         decides ? percent(report.fidelity.classification->agreement()) : ""});
    }
    text += "\n" + outputs.to_string();
    if (!report.layers.empty()) text += "\n" + layer_table(report);
    text += format("\ncandidate runs in {} steps, {} of them in int8\n", report.candidate_steps.steps, report.candidate_steps.int8_steps);
    for (const Gate& gate : report.gates)
        text += format("gate {:<14} limit {:g}, measured {:.4f}: {}\n", gate.name, gate.limit, gate.measured,
                       gate.passed ? "passed" : "FAILED");
    return text;
}

std::string steps_to_text(const StepSummary& steps) {
    TextTable table(
        {{"step", Align::Left}, {"operators", Align::Left}, {"kernel", Align::Left}, {"precision", Align::Left}, {"MACs", Align::Right}});
    for (const StepInfo& step : steps.details) table.add_row({step.name, step.op, step.kernel, step.precision, with_thousands(step.macs)});
    return table.to_string();
}

}  // namespace mcompress
