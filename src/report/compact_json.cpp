// What compacting did, as JSON.
#include <nlohmann/json.hpp>

#include "report/compact_report.h"
#include "report/json.h"

namespace mcompress {

std::string to_json(const CompactReport& report) {
    using Json = nlohmann::ordered_json;
    Json json{{"schema", "mcompress/compact"}, {"schema_version", 1}};
    json["before"] = Json::parse(to_json(report.before));
    json["after"] = Json::parse(to_json(report.after));
    json["removed"] = report.removed;
    json["layers"] = Json::array();
    for (const NarrowedLayer& layer : report.layers)
        json["layers"].push_back(
            {{"node", layer.node}, {"op", layer.op}, {"channels_before", layer.before}, {"channels_after", layer.after}});
    json["kept"] = Json::array();
    for (const Skip& skip : report.kept) json["kept"].push_back({{"node", skip.node}, {"op", skip.op}, {"reason", skip.reason}});
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace mcompress
