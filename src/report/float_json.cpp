// The report of `mcompress convert --to` as JSON.
#include "report/float_report.h"
#include "report/model_json.h"

namespace mcompress {

namespace {

using Json = nlohmann::ordered_json;

/// What conversion changes of a model; the interface and the opsets stay.
Json brief_json(const ModelSummary& summary) {
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
                           {"sqnr_db", json_number(output.measure.sqnr_db())},
                           {"max_absolute_error", json_number(output.measure.max_absolute)},
                           {"cosine", json_number(output.measure.cosine())},
                           {"not_finite", output.measure.not_finite}});
    Json json{{"samples", fidelity.samples}, {"worst_sqnr_db", json_number(fidelity.worst_sqnr_db)}, {"outputs", outputs}};
    if (fidelity.agreement) json["agreement"] = *fidelity.agreement;
    return json;
}

Json tries_json(const std::vector<FloatTry>& tries) {
    Json list = Json::array();
    for (const FloatTry& each : tries) {
        Json row{{"values_in_float", each.kept}, {"worst_sqnr_db", json_number(each.worst_sqnr_db)}};
        if (each.agreement) row["agreement"] = *each.agreement;
        list.push_back(std::move(row));
    }
    return list;
}

}  // namespace

std::string to_json(const FloatReport& report) {
    Json json = json_document("mcompress/convert-float");
    json["before"] = brief_json(report.before);
    if (report.gates.are_met()) json["after"] = brief_json(report.after);
    json["to"] = dtype_name(report.conversion.to);
    json["interface"] = report.conversion.interface == FloatConversion::Interface::Keep ? "keep" : "convert";
    json["nodes"] = report.nodes;
    json["casts"] = report.casts;
    json["constants"] = report.constants;
    json["rounding"] = rounding_json(report);
    if (report.fidelity) {
        json["fidelity"] = fidelity_json(*report.fidelity);
        json["constants_sqnr_db"] = json_number(report.constants_sqnr_db);
    }
    if (!report.search.tries.empty()) json["tries"] = tries_json(report.search.tries);
    json["notes"] = skips_json(report.notes);
    json["kept"] = skips_json(report.kept);
    json["passes"] = passes_json(report.passes);
    add_gates(json, report.gates);
    return dump_json(json);
}

}  // namespace mcompress
