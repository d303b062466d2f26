// The report of `mcompress convert --to` as JSON.
#include <cmath>
#include <nlohmann/json.hpp>

#include "report/float_report.h"

namespace mcompress {

namespace {

using Json = nlohmann::ordered_json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json model_json(const ModelSummary& summary) {
    return {{"path", summary.path},
            {"bytes", summary.bytes},
            {"precision", summary.precision},
            {"nodes", summary.nodes},
            {"operators", summary.cost.op_counts},
            {"parameters", summary.cost.parameters},
            {"parameter_bytes", summary.cost.parameter_bytes},
            {"bytes_by_dtype", summary.cost.bytes_by_dtype},
            {"fingerprint", summary.fingerprint}};
}

Json skips_json(const std::vector<Skip>& skips) {
    Json list = Json::array();
    for (const Skip& skip : skips) list.push_back({{"node", skip.node}, {"op", skip.op}, {"reason", skip.reason}});
    return list;
}

Json rounding_json(const FloatReport& report) {
    Json list = Json::array();
    for (const auto& [name, counts] : report.rounding)
        list.push_back({{"constant", name},
                        {"elements", counts.elements},
                        {"overflow", counts.overflow},
                        {"flushed", counts.flushed},
                        {"subnormal", counts.subnormal},
                        {"largest", counts.largest}});
    return list;
}

Json fidelity_json(const FloatFidelity& fidelity) {
    Json outputs = Json::array();
    for (const OutputFidelity& output : fidelity.outputs)
        outputs.push_back({{"name", output.name},
                           {"sqnr_db", number(output.measure.sqnr_db())},
                           {"max_absolute_error", number(output.measure.max_absolute)},
                           {"cosine", number(output.measure.cosine())},
                           {"not_finite", output.measure.not_finite}});
    Json json{{"samples", fidelity.samples}, {"worst_sqnr_db", number(fidelity.worst_sqnr_db)}, {"outputs", outputs}};
    if (fidelity.agreement) json["agreement"] = *fidelity.agreement;
    return json;
}

Json tries_json(const std::vector<FloatTry>& tries) {
    Json list = Json::array();
    for (const FloatTry& each : tries) {
        Json row{{"values_in_float", each.kept}, {"worst_sqnr_db", number(each.worst_sqnr_db)}};
        if (each.agreement) row["agreement"] = *each.agreement;
        list.push_back(std::move(row));
    }
    return list;
}

}  // namespace

std::string to_json(const FloatReport& report) {
    Json json{{"schema", "mcompress/convert-float"}, {"schema_version", 1}};
    json["before"] = model_json(report.before);
    json["after"] = model_json(report.after);
    json["to"] = dtype_name(report.conversion.to);
    json["interface"] = report.conversion.interface == FloatConversion::Interface::Keep ? "keep" : "convert";
    json["nodes"] = report.nodes;
    json["casts"] = report.casts;
    json["constants"] = report.constants;
    json["rounding"] = rounding_json(report);
    if (report.fidelity) {
        json["fidelity"] = fidelity_json(*report.fidelity);
        json["constants_sqnr_db"] = number(report.constants_sqnr_db);
    }
    if (!report.tries.empty()) json["tries"] = tries_json(report.tries);
    json["notes"] = skips_json(report.notes);
    json["kept"] = skips_json(report.kept);
    Json passes = Json::array();
    for (const PassRun& run : report.passes) passes.push_back({{"name", run.name}, {"rewrites", run.result.rewrites}});
    json["passes"] = std::move(passes);
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace mcompress
