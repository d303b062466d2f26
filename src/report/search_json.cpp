// What searches found, as JSON.
#include "report/search_json.h"

#include <cmath>

#include "report/model_json.h"

namespace mcompress {

namespace {

using Json = nlohmann::ordered_json;

const char* kind_of(NoiseSource::Kind kind) { return kind == NoiseSource::Kind::Activation ? "activation" : "weights"; }

Json steps_json(const std::vector<FallbackStep>& steps) {
    Json list = Json::array();
    for (const FallbackStep& step : steps)
        list.push_back({{"nodes", step.nodes},
                        {"source", step.source},
                        {"kind", kind_of(step.kind)},
                        {"share_of_error", json_number(step.share)},
                        {"activations", step.wide ? Json(std::string(dtype_name(*step.wide))) : Json("float")},
                        {"float_macs_share", step.macs_share},
                        {"wide_macs_share", step.wide_macs_share}});
    return list;
}

Json ranking_json(const std::vector<RankedSource>& ranking) {
    Json list = Json::array();
    for (const RankedSource& ranked : ranking)
        list.push_back({{"kind", kind_of(ranked.source.kind)},
                        {"name", ranked.source.name},
                        {"op", ranked.source.op},
                        {"nodes", ranked.source.units},
                        {"effect", json_number(ranked.effect)},
                        {"share_of_error", json_number(ranked.share)},
                        {"output_sqnr_db", json_number(ranked.output_sqnr_db)},
                        {"local_sqnr_db", json_number(ranked.local_sqnr_db)},
                        {"macs_share", ranked.macs_share}});
    return list;
}

Json measure_json(const SelfCheckMeasure& measure) {
    return {{"samples", measure.samples},
            {"sqnr_db", json_number(measure.sqnr_db)},
            {"agreement", measure.agreement ? Json(*measure.agreement) : Json(nullptr)},
            {"judged_by", measure.judged_by_agreement ? "agreement" : "sqnr"},
            {"collapsed", measure.has_collapsed}};
}

}  // namespace

Json self_check_json(const SelfCheckReport& report) {
    Json json{{"least_agreement", report.limits.least_agreement}, {"least_sqnr_db", report.limits.least_sqnr_db}};
    json["quantized"] = measure_json(report.quantized);
    json["written"] = measure_json(report.repaired ? *report.repaired : report.quantized);
    json["culprits"] = report.culprits;
    json["put_back_to_float"] = steps_json(report.repair);
    return json;
}

Json budget_json(const BudgetReport& report) {
    Json json{{"metric", report.metric},
              {"max_drop", report.max_drop},
              {"samples", report.samples},
              {"drop_int8", report.drop_int8},
              {"drop", report.drop},
              {"met", report.met},
              {"float_macs_share", report.float_macs_share},
              {"wide_macs_share", report.wide_macs_share}};
    if (report.standard_error) json["standard_error"] = *report.standard_error;
    json["left_in_float"] = steps_json(report.steps);
    json["evaluations"] = Json::array({{{"steps", 0}, {"drop", report.drop_int8}}});
    for (const FallbackTry& tried : report.tries)
        json["evaluations"].push_back({{"steps", tried.steps}, {"wide", tried.wide}, {"drop", tried.measured}});
    json["ranking"] = ranking_json(report.ranking);
    return json;
}

std::string to_json(const SensitivityReport& report) {
    Json json{{"schema", "mcompress/sensitivity"},
              {"schema_version", 1},
              {"model", report.model},
              {"data", report.data},
              {"samples", report.samples},
              {"metric", report.metric},
              {"effect_of_all", json_number(report.effect_of_all)}};
    json["ranking"] = ranking_json(report.ranking);
    json["cumulative_sqnr_db"] = Json::object();
    for (const auto& [name, level] : report.cumulative_sqnr_db) json["cumulative_sqnr_db"][name] = json_number(level);
    if (report.additivity) {
        Json sets = Json::array();
        for (const Additivity::Set& set : report.additivity->sets)
            sets.push_back({{"sources", set.sources}, {"predicted", json_number(set.predicted)}, {"measured", json_number(set.measured)}});
        json["additivity"] = {{"sets", sets}, {"correlation", json_number(report.additivity->correlation)}};
    }
    return dump_json(json);
}

}  // namespace mcompress
