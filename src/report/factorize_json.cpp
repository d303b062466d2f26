// The report of `mcompress factorize` as JSON.
#include "report/factorize_report.h"
#include "report/model_json.h"

namespace mcompress {

namespace {

using Json = nlohmann::ordered_json;

Json layer_json(const FactorizedLayer& layer) {
    return {{"node", layer.node},
            {"op", layer.op},
            {"form", layer.form},
            {"rank", layer.rank},
            {"inner_rank", layer.inner_rank > 0 ? Json(layer.inner_rank) : Json(nullptr)},
            {"parameters_before", layer.parameters_before},
            {"parameters_after", layer.parameters_after},
            {"macs_before", layer.macs_before},
            {"macs_after", layer.macs_after},
            {"predicted_error", layer.predicted_error},
            {"measured_error", json_number(layer.measured_error)},
            {"final_error", json_number(layer.final_error)},
            {"refitted", layer.is_refitted},
            {"time_ratio", json_number(layer.time_ratio)}};
}

}  // namespace

std::string to_json(const FactorizeReport& report) {
    Json json = json_document("mcompress/factorize");
    json["before"] = model_json(report.before);
    if (report.gates.are_met()) json["after"] = model_json(report.after);
    json["energy"] = json_number(report.energy);
    json["ratio"] = json_number(report.ratio);
    json["cost"] = report.gate == CostGate::Measured ? "measured" : "macs";
    json["data"] = report.data.empty() ? Json(nullptr) : Json(report.data);
    json["samples"] = report.samples;
    json["macs_of_candidates_before"] = report.outcome.macs_before;
    json["macs_of_candidates_after"] = report.outcome.macs_after;
    json["output_sqnr_db"] = json_number(report.outcome.output_sqnr_db);
    json["agreement"] = json_number(report.outcome.agreement);
    json["layers"] = Json::array();
    for (const FactorizedLayer& layer : report.outcome.layers) json["layers"].push_back(layer_json(layer));
    json["skipped"] = skips_json(report.outcome.skipped);
    json["warnings"] = report.warnings;
    json["passes"] = passes_json(report.passes);
    add_gates(json, report.gates);
    return dump_json(json);
}

}  // namespace mcompress
