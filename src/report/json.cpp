#include "report/json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "report/model_json.h"
#include "report/search_json.h"

namespace mcompress {

namespace {

using Json = nlohmann::ordered_json;

// An exact match has no finite SQNR and is written as null beside "exact": true.
Json number(double value) { return json_number(value); }

void add_measure(Json& json, const ErrorMeasure& measure) {
    json["sqnr_db"] = number(measure.sqnr_db());
    json["exact"] = measure.noise == 0.0 && measure.not_finite == 0;
    json["cosine"] = number(measure.cosine());
    json["max_absolute_error"] = number(measure.max_absolute);
    json["not_finite"] = measure.not_finite;
}

Json latency_json(const Latency& latency) {
    return {{"runs", latency.runs}, {"min_ms", latency.minimum_ms}, {"median_ms", latency.median_ms}, {"p90_ms", latency.p90_ms}};
}

const char* mode_name(ActivationMode mode) {
    switch (mode) {
        case ActivationMode::Static: return "static";
        case ActivationMode::Dynamic: return "dynamic";
        case ActivationMode::Float: return "weights-only";
    }
    return "";
}

Json contention_json(const Contention& contention) {
    return {{"contended", contention.is_contended()},
            {"measurable", contention.is_measurable},
            {"processors_used_by_others", contention.others},
            {"share_of_time_waited", contention.waiting}};
}

Json classification_json(const ClassificationResult& result) {
    Json json{{"rows", result.rows}, {"agreement", result.agreement()}, {"agreement_standard_error", result.agreement_error()}};
    if (result.has_labels) {
        json["reference"] = {{"top1", result.share(result.reference_top1)}, {"top5", result.share(result.reference_top5)}};
        json["candidate"] = {{"top1", result.share(result.candidate_top1)}, {"top5", result.share(result.candidate_top5)}};
        json["top1_drop_standard_error"] = result.top1_drop_error();
    }
    return json;
}

Json steps_json(const StepSummary& steps) {
    Json list = Json::array();
    for (const StepInfo& step : steps.details)
        list.push_back(
            {{"name", step.name}, {"operators", step.op}, {"kernel", step.kernel}, {"precision", step.precision}, {"macs", step.macs}});
    return {{"count", steps.steps}, {"int8", steps.int8_steps}, {"steps", list}};
}

Json weight_only_json(const QuantizeReport& report) {
    const WeightOnlyScheme& scheme = report.weight_only;
    Json json{{"bits", scheme.bits},
              {"block", scheme.block},
              {"rounding", name_of(scheme.rounding)},
              {"zero_points", name_of(scheme.zero_points)},
              {"form", name_of(scheme.form)},
              {"weights", Json::array()}};
    for (const WeightFit& fit : report.weights) {
        Json entry{{"weight", fit.weight},
                   {"node", fit.node},
                   {"inner", fit.inner},
                   {"columns", fit.columns},
                   {"bytes_before", fit.bytes_before},
                   {"bytes_after", fit.bytes_after},
                   {"rounding", name_of(fit.rounding)},
                   {"weight_sqnr_db", fit.weight_sqnr_db}};
        if (fit.output_sqnr_db) entry["output_sqnr_db"] = *fit.output_sqnr_db;
        if (fit.output_sqnr_db_without) entry["output_sqnr_db_without_fitting"] = *fit.output_sqnr_db_without;
        if (!fit.note.empty()) entry["note"] = fit.note;
        json["weights"].push_back(entry);
    }
    return json;
}

Json saturation_json(const SaturationSummary& saturation) {
    return {{"products", saturation.products},
            {"channels", saturation.channels},
            {"channels_at_risk", saturation.at_risk},
            {"worst_pair", saturation.worst_pair},
            {"worst_node", saturation.worst_node}};
}

}  // namespace

std::string to_json(const ModelSummary& summary) { return dump_json(inspect_json(summary)); }

std::string to_json(const OptimizeReport& report) {
    Json json = json_document("mcompress/optimize");
    json["before"] = model_json(report.before);
    json["after"] = model_json(report.after);
    json["passes"] = passes_json(report.passes);
    return dump_json(json);
}

std::string to_json(const ConvertReport& report) {
    Json json = json_document("mcompress/convert");
    json["before"] = model_json(report.before);
    json["after"] = model_json(report.after);
    json["format"] = report.form == QuantizedForm::Qdq ? "qdq" : "qoperator";
    json["converted"] = report.converted;
    json["kept"] = skips_json(report.kept);
    json["passes"] = passes_json(report.passes);
    return dump_json(json);
}

namespace {

/// What holds for all values; what was decided about single ones is in the model and in the notes.
Json scheme_json(const QuantizationScheme& scheme) {
    return {{"target", scheme.target},
            {"activations", dtype_name(scheme.activation_dtype)},
            {"symmetric", scheme.activation_symmetry == Symmetry::Symmetric},
            {"weights", dtype_name(scheme.weight_dtype)},
            {"granularity", scheme.weight_granularity == Granularity::PerChannel ? "channel" : "tensor"}};
}

Json ranges_json(const std::vector<RangeSummary>& ranges) {
    Json list = Json::array();
    for (const RangeSummary& range : ranges)
        list.push_back({{"value", range.value},
                        {"codes", range.dtype},
                        {"observed", {range.observed.min, range.observed.max}},
                        {"range", {range.chosen.min, range.chosen.max}},
                        {"step", range.step},
                        {"outside_share", range.clipped},
                        {"zeros_share", range.zeros}});
    return list;
}

}  // namespace

std::string to_json(const QuantizeReport& report) {
    Json json = json_document("mcompress/quantize");
    json["before"] = model_json(report.before);
    if (!report.budget || report.budget->met) json["after"] = model_json(report.after);
    json["mode"] = mode_name(report.activations);
    if (report.dequantized) json["dequantized"] = report.dequantized->operators;
    if (report.calibration)
        json["calibration"] = {{"source", report.calibration->source},
                               {"samples", report.calibration->samples},
                               {"values", report.calibration->values},
                               {"range_method", report.calibration->range_method}};
    json["quantized_nodes"] = report.quantized_nodes;
    json["compute_nodes"] = report.compute_nodes;
    json["quantized_macs_share"] = report.quantized_macs_share;
    if (report.saturation) json["pair_sums"] = saturation_json(*report.saturation);
    if (report.activations == ActivationMode::Static) {
        json["quantized_bytes_share"] = report.quantized_bytes_share;
        json["scheme"] = scheme_json(report.scheme);
        json["wide_nodes"] = report.wide_nodes;
    }
    json["left_in_float"] = skips_json(report.left_in_float);
    json["tuning"] = Json::array();
    for (const TuningNote& note : report.tuning)
        json["tuning"].push_back({{"stage", note.stage}, {"object", note.object}, {"text", note.text}});
    if (report.self_check) json["self_check"] = self_check_json(*report.self_check);
    if (report.budget) json["budget"] = budget_json(*report.budget);
    json["notes"] = skips_json(report.notes);
    if (!report.ranges.empty()) json["ranges"] = ranges_json(report.ranges);
    if (!report.weights.empty()) json["weight_only"] = weight_only_json(report);
    json["passes"] = passes_json(report.passes);
    return dump_json(json);
}

std::string to_json(const ValidateReport& report) {
    Json json = json_document("mcompress/validate");
    json["reference"] = model_json(report.reference);
    json["candidate"] = model_json(report.candidate);
    json["data"] = report.data;
    json["samples"] = report.fidelity.samples;
    if (report.emulated) {
        json["emulated"] = {{"kernels", "avx2"},
                            {"products_with_saturation", report.emulated->emulated_products},
                            {"pair_sums", saturation_json(*report.emulated)},
                            {"not_emulated", skips_json(report.emulated->not_emulated)}};
    }
    if (report.fidelity.classification) json["classification"] = classification_json(*report.fidelity.classification);
    json["outputs"] = Json::array();
    for (const OutputFidelity& output : report.fidelity.outputs) {
        Json entry{{"name", output.name}};
        add_measure(entry, output.measure);
        json["outputs"].push_back(entry);
    }
    json["layers"] = Json::array();
    for (const LayerFidelity& layer : report.layers) {
        Json entry{{"value", layer.value}, {"op", layer.op}, {"rescaled", layer.rescaled}};
        add_measure(entry, layer.measure);
        json["layers"].push_back(entry);
    }
    json["layer_samples"] = report.layer_samples;
    if (report.latency)
        json["latency"] = {{"threads", report.latency_threads},
                           {"reference", latency_json(report.latency->reference)},
                           {"candidate", latency_json(report.latency->candidate)},
                           {"speedup", report.latency->speedup},
                           {"contention", contention_json(report.contention)}};
    json["candidate_plan"] = steps_json(report.candidate_steps);
    json["gates"] = Json::array();
    for (const Gate& gate : report.gates)
        json["gates"].push_back({{"name", gate.name}, {"limit", gate.limit}, {"measured", number(gate.measured)}, {"passed", gate.passed}});
    return dump_json(json);
}

std::string to_json(const BenchReport& report) {
    Json json = json_document("mcompress/bench");
    json["rows"] = Json::array();
    for (const BenchRow& row : report.rows) {
        Json entry{{"model", row.model},
                   {"inputs", typed_names_json(row.inputs)},
                   {"batch", row.batch},
                   {"threads", row.threads},
                   {"compile_ms", row.compile_ms},
                   {"first_run_ms", row.first_run_ms},
                   {"latency", latency_json(row.latency)},
                   {"samples_per_second", row.samples_per_second()},
                   {"macs", row.macs},
                   {"gops", row.gops()},
                   {"steps_ms", row.steps_ms},
                   {"steps_within_runs_ms", row.steps_within_runs_ms},
                   {"reorders_ms", row.reorders_ms}};
        if (row.opponent)
            entry["against"] = {{"model", report.opponent}, {"latency", latency_json(*row.opponent)}, {"speedup", row.speedup}};
        if (report.step_detail == StepDetail::Shown) {
            entry["steps"] = Json::array();
            for (std::size_t at = 0; at < row.step_ms.size(); ++at)
                entry["steps"].push_back({{"name", row.steps[at].name},
                                          {"operators", row.steps[at].op},
                                          {"kernel", row.steps[at].kernel},
                                          {"precision", row.steps[at].precision},
                                          {"macs", row.steps[at].macs},
                                          {"ms", row.step_ms[at]},
                                          {"within_runs_ms", row.step_within_runs_ms[at]}});
        }
        json["rows"].push_back(std::move(entry));
    }
    json["peak_gops"] = Json::array();
    for (const auto& [threads, rates] : report.peaks)
        json["peak_gops"].push_back(
            {{"threads", threads}, {"f32", rates.f32}, {"int8", rates.int8 > 0.0 ? Json(rates.int8) : Json(nullptr)}});
    json["contention"] = contention_json(report.contention);
    return dump_json(json);
}

}  // namespace mcompress
