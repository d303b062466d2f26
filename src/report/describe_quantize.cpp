// What quantizing did to a model.
#include <algorithm>

#include "quant/target.h"
#include "report/describe.h"
#include "report/describe_parts.h"
#include "report/describe_search.h"
#include "support/format.h"

namespace mcompress {

namespace {

std::string dequantized_operators(const DequantizeSummary& summary) {
    std::string operators;
    for (const auto& [op, count] : summary.operators) operators += format("{}{} {}", operators.empty() ? "" : ", ", count, op);
    return operators;
}

std::string scheme_line(const QuantizationScheme& scheme) {
    return format("for {}: {} activations, {}, {} weights per {}", find_target(scheme.target).runtime, dtype_name(scheme.activation_dtype),
                  scheme.activation_symmetry == Symmetry::Symmetric ? "symmetric" : "asymmetric", dtype_name(scheme.weight_dtype),
                  scheme.weight_granularity == Granularity::PerChannel ? "channel" : "tensor");
}

std::vector<std::string> calibration_lines(const QuantizeReport& report) {
    if (report.calibration && report.activations == ActivationMode::Float)
        return {format("{} samples from {}, for the rounding of the weights; activations stay float", report.calibration->samples,
                       report.calibration->source)};
    if (report.calibration)
        return {format("{} samples from {}, {} values observed, {} ranges", report.calibration->samples, report.calibration->source,
                       report.calibration->values, report.calibration->range_method)};
    if (report.activations == ActivationMode::Dynamic) return {"none: activations of matrix products are quantized while the model runs"};
    return {"none: only the weights are quantized, activations stay float",
            "(smaller file, no int8 speed; pass --data with a few representative samples for full int8)"};
}

/// All weights in blocks together.
struct BlockTotals {
    std::int64_t before = 0, after = 0;
    double weight_db = 0.0, output_db = 0.0, without_db = 0.0;
    std::size_t judged = 0, as_asked = 0;
};

BlockTotals totals_of(const QuantizeReport& report) {
    BlockTotals totals;
    for (const WeightFit& fit : report.weights) {
        totals.before += fit.bytes_before;
        totals.after += fit.bytes_after;
        totals.weight_db += fit.weight_sqnr_db;
        totals.as_asked += fit.rounding == report.weight_only.rounding ? 1 : 0;
        if (!fit.output_sqnr_db) continue;
        ++totals.judged;
        totals.output_db += *fit.output_sqnr_db;
        totals.without_db += *fit.output_sqnr_db_without;
    }
    return totals;
}

/// Weights in blocks that lost most.
TextTable weight_table(const QuantizeReport& report, std::size_t judged) {
    constexpr std::size_t kListed = 8;
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
    return table;
}

void add_block_weights(Document& document, const QuantizeReport& report) {
    if (report.weights.empty()) return;
    const BlockTotals totals = totals_of(report);
    const WeightOnlyScheme& scheme = report.weight_only;
    std::vector<std::string> lines{format("{} in {} bits, blocks of {}, {} ({} of them), zero points {}: {} -> {} bytes, {} mean SQNR",
                                          report.weights.size(), scheme.bits, scheme.block, name_of(scheme.rounding), totals.as_asked,
                                          name_of(scheme.zero_points), with_thousands(totals.before), with_thousands(totals.after),
                                          decibels(totals.weight_db / static_cast<double>(report.weights.size())))};
    if (totals.judged > 0)
        lines.push_back(format("outputs of their layers on held-out samples: {} mean SQNR, {} without fitting",
                               decibels(totals.output_db / static_cast<double>(totals.judged)),
                               decibels(totals.without_db / static_cast<double>(totals.judged))));
    if (scheme.zero_points == ZeroPoints::Real)
        lines.push_back("ONNX Runtime's kernels for 4 bits do not take zero points in float: it dequantizes at every run; --zero-points "
                        "int is fast there");
    document.fact("weights", std::move(lines));
    document.table(weight_table(report, totals.judged));
}

void add_facts(Document& document, const QuantizeReport& report) {
    const bool is_static = report.activations == ActivationMode::Static;
    if (report.dequantized)
        document.fact("dequantized",
                      {format("the model was quantized already: {} were taken out first;", dequantized_operators(*report.dequantized)),
                       "weights stay on the grid they had been rounded to, and errors of both quantizations add up"});
    document.fact("quantized", format("{} of {} compute nodes, {} of the MACs{}", report.quantized_nodes, report.compute_nodes,
                                      percent(report.quantized_macs_share),
                                      is_static ? format(", {} of the weight bytes", percent(report.quantized_bytes_share)) : ""));
    if (is_static) document.fact("scheme", scheme_line(report.scheme));
    if (report.wide_nodes > 0)
        document.fact(
            "16 bits",
            {format("{} of the quantized compute nodes read or give 16-bit codes: {} computes them in float, between QuantizeLinear",
                    report.wide_nodes, find_target(report.scheme.target).runtime),
             "and DequantizeLinear (more accurate, not faster than float)"});
    document.fact("calibration", calibration_lines(report));
    if (report.saturation) {
        std::vector<std::string> lines{saturation_line(*report.saturation)};
        if (report.saturation->at_risk > 0)
            lines.emplace_back("(mcompress validate --emulate avx2 tells what that costs; --sum-width 16 prevents it)");
        document.fact("pair sums", std::move(lines));
    }
    if (report.self_check) add_self_check(document, *report.self_check);
    if (report.budget) add_budget(document, *report.budget);
}

}  // namespace

Document describe(const QuantizeReport& report) {
    Document document("quantize " + report.before.path);
    if (report.budget && !report.budget->met) {
        add_budget(document, *report.budget);
        return document;
    }
    document.table(before_after_table(report.before, report.after));
    document.chart(size_chart(report.before, report.after));
    add_facts(document, report);
    add_block_weights(document, report);
    if (report.left_in_float.empty()) document.paragraph("no node was left in float");
    else document.table(skip_table(report.left_in_float, "left in float because"));
    TextTable tuning({{"for accuracy", Align::Left}, {"object", Align::Left}, {"what was done", Align::Left}});
    for (const TuningNote& note : report.tuning) tuning.add_row({note.stage, note.object, note.text});
    document.table(std::move(tuning));
    document.table(skip_table(report.notes, "note"));
    add_ranges(document, report.ranges);
    return document;
}

}  // namespace mcompress
