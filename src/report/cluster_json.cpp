// The report of `mcompress cluster` as JSON.
#include "report/cluster_report.h"
#include "report/model_json.h"

namespace mcompress {

std::string to_json(const ClusterReport& report) {
    nlohmann::ordered_json json = json_document("mcompress/cluster");
    json["before"] = model_json(report.before);
    if (report.gates.are_met()) json["after"] = model_json(report.after);
    json["bits"] = report.bits;
    json["codes"] = report.storage == CodeStorage::Packed ? "uint4" : "uint8";
    json["weights"] = nlohmann::ordered_json::array();
    for (const ClusteredWeight& weight : report.weights)
        json["weights"].push_back({{"weight", weight.weight},
                                   {"node", weight.node},
                                   {"op", weight.op},
                                   {"shape", weight.shape},
                                   {"levels", weight.levels},
                                   {"row_scales", weight.has_row_scales},
                                   {"zeros", weight.zeros},
                                   {"zero_level", weight.is_zero_level},
                                   {"sqnr_db", json_number(weight.sqnr_db)},
                                   {"code_entropy", weight.code_entropy},
                                   {"bytes_before", weight.bytes_before},
                                   {"bytes_after", weight.bytes_after}});
    json["skipped"] = skips_json(report.skipped);
    json["passes"] = passes_json(report.passes);
    add_gates(json, report.gates);
    return dump_json(json);
}

}  // namespace mcompress
