// What tells two models apart, as JSON.
#include <cmath>

#include "report/diff_report.h"
#include "report/model_json.h"

namespace mcompress {

namespace {

using Json = nlohmann::ordered_json;

Json text_or_null(const std::optional<std::string>& text) { return text ? Json(*text) : Json(nullptr); }

Json changes_json(const std::vector<Change>& changes) {
    Json list = Json::array();
    for (const Change& change : changes)
        list.push_back({{"name", change.name}, {"before", text_or_null(change.before)}, {"after", text_or_null(change.after)}});
    return list;
}

Json nodes_json(const std::vector<NodeRef>& nodes) {
    Json list = Json::array();
    for (const NodeRef& node : nodes) list.push_back({{"node", node.node}, {"op", node.op}});
    return list;
}

Json weights_json(const std::vector<WeightDifference>& weights) {
    Json list = Json::array();
    const auto type = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
    for (const WeightDifference& weight : weights)
        list.push_back({{"name", weight.name},
                        {"new_name", weight.new_name.empty() ? Json(nullptr) : Json(weight.new_name)},
                        {"before", type(weight.type_before)},
                        {"after", type(weight.type_after)},
                        {"max_difference", json_number(weight.max_difference)},
                        {"sqnr_db", json_number(weight.sqnr_db)},
                        {"exact", weight.sqnr_db.has_value() && std::isinf(*weight.sqnr_db) && *weight.sqnr_db > 0}});
    return list;
}

Json nodes_json(const DiffReport& report) {
    Json json{{"before", report.nodes_before},
              {"after", report.nodes_after},
              {"same", report.nodes_same},
              {"operators", Json::array()},
              {"removed", nodes_json(report.nodes_removed)},
              {"added", nodes_json(report.nodes_added)},
              {"changed", Json::array()},
              {"renamed", Json::array()}};
    for (const auto& [op, counts] : report.operators)
        json["operators"].push_back({{"op", op}, {"before", counts.first}, {"after", counts.second}});
    for (const NodeDifference& node : report.nodes_changed)
        json["changed"].push_back({{"node", node.node}, {"op", node.op}, {"changes", node.changes}});
    for (const auto& [before, after] : report.nodes_renamed) json["renamed"].push_back({{"before", before}, {"after", after}});
    return json;
}

}  // namespace

std::string to_json(const DiffReport& report) {
    Json json = json_document("mcompress/diff");
    json["before"] = report.before;
    json["after"] = report.after;
    json["identical"] = report.is_identical;
    json["model"] = changes_json(report.model);
    json["metadata"] = changes_json(report.metadata);
    json["functions"] = changes_json(report.functions);
    json["inputs"] = changes_json(report.inputs);
    json["outputs"] = changes_json(report.outputs);
    json["nodes"] = nodes_json(report);
    json["weights_same"] = report.weights_same;
    json["weights"] = weights_json(report.weights);
    json["quantizers"] = changes_json(report.quantizers);
    return dump_json(json);
}

}  // namespace mcompress
