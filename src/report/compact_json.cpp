// What compacting did, as JSON.
#include "report/compact_report.h"
#include "report/model_json.h"

namespace mcompress {

std::string to_json(const CompactReport& report) {
    using Json = nlohmann::ordered_json;
    Json json = json_document("mcompress/compact");
    json["before"] = inspect_json(report.before);
    json["after"] = inspect_json(report.after);
    json["removed"] = report.removed;
    json["layers"] = Json::array();
    for (const NarrowedLayer& layer : report.layers)
        json["layers"].push_back(
            {{"node", layer.node}, {"op", layer.op}, {"channels_before", layer.before}, {"channels_after", layer.after}});
    json["kept"] = skips_json(report.kept);
    return dump_json(json);
}

}  // namespace mcompress
