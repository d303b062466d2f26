#include "report/model_json.h"

#include <cmath>

namespace mcompress {

using Json = nlohmann::ordered_json;

Json typed_names_json(const std::vector<std::pair<std::string, std::string>>& values) {
    Json list = Json::array();
    for (const auto& [name, type] : values) list.push_back({{"name", name}, {"type", type}});
    return list;
}

Json json_number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json json_number(const std::optional<double>& value) { return value ? json_number(*value) : Json(nullptr); }

Json json_document(const char* schema) { return Json{{"schema", schema}, {"schema_version", 1}}; }

std::string dump_json(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

Json model_json(const ModelSummary& summary) {
    Json opsets = Json::object();
    for (const auto& [domain, version] : summary.opsets) opsets[domain.empty() ? "ai.onnx" : domain] = version;
    return {{"path", summary.path},
            {"bytes", summary.bytes},
            {"precision", summary.precision},
            {"ir_version", summary.ir_version},
            {"producer", summary.producer},
            {"opsets", opsets},
            {"inputs", typed_names_json(summary.inputs)},
            {"outputs", typed_names_json(summary.outputs)},
            {"nodes", summary.nodes},
            {"operators", summary.cost.op_counts},
            {"parameters", summary.cost.parameters},
            {"parameter_bytes", summary.cost.parameter_bytes},
            {"bytes_by_dtype", summary.cost.bytes_by_dtype},
            {"macs", summary.cost.macs},
            {"nodes_with_unknown_macs", summary.cost.unknown_macs},
            {"fingerprint", summary.fingerprint}};
}

Json inspect_json(const ModelSummary& summary) {
    Json json = json_document("mcompress/inspect");
    json["model"] = model_json(summary);
    return json;
}

Json passes_json(const std::vector<PassRun>& passes) {
    Json list = Json::array();
    for (const PassRun& run : passes) list.push_back({{"name", run.name}, {"rewrites", run.result.rewrites}});
    return list;
}

Json skips_json(const std::vector<Skip>& skips) {
    Json list = Json::array();
    for (const Skip& skip : skips) list.push_back({{"node", skip.node}, {"op", skip.op}, {"reason", skip.reason}});
    return list;
}

}  // namespace mcompress
