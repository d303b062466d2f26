// What pruning did, as JSON.
#include "report/model_json.h"
#include "report/prune_report.h"

namespace mcompress {

namespace {

using Json = nlohmann::ordered_json;

Json layer_json(const LayerOutcome& layer) {
    return {{"node", layer.node},
            {"op", layer.op},
            {"pattern", layer.pattern},
            {"weights", layer.weights},
            {"zeros", layer.zeros},
            {"zeros_before", layer.zeros_before},
            {"macs", layer.macs},
            {"repair", layer.repair},
            {"error_before", json_number(layer.error_before)},
            {"error_after", json_number(layer.error_after)},
            {"output_error_per_layer_error", json_number(layer.gain)}};
}

}  // namespace

std::string to_json(const PruneReport& report) {
    const PruneOutcome& outcome = report.outcome;
    Json json = json_document("mcompress/prune");
    json["before"] = inspect_json(report.before);
    json["after"] = inspect_json(report.after);
    json["pattern"] = report.pattern;
    json["faster_on"] = report.faster_on;
    json["criterion"] = report.criterion;
    json["scope"] = report.scope;
    json["repair"] = report.repair;
    json["data"] = report.data.empty() ? Json(nullptr) : Json(report.data);
    json["samples"] = report.samples;
    json["prunable_weights"] = outcome.prunable_weights;
    json["zeros"] = outcome.zeros;
    json["wanted_zeros"] = outcome.wanted_zeros;
    if (outcome.packed_bytes) {
        json["packed_bytes"] = *outcome.packed_bytes;
        json["wanted_packed_bytes"] = *report.packed_goal;
    }
    json["macs_with_zeros"] = report.macs_with_zeros;
    json["held_out"] = nullptr;
    if (outcome.fidelity)
        json["held_out"] = {{"samples", outcome.fidelity->samples},
                            {"sqnr_db", json_number(outcome.fidelity->sqnr_db)},
                            {"agreement", json_number(outcome.fidelity->agreement)}};
    if (!report.narrowed.empty()) {
        json["units"] = report.units;
        json["removed_units"] = report.removed_units;
        json["goal"] = report.goal;
        json["latency_share"] = json_number(report.latency);
        json["narrowed"] = Json::array();
        for (const NarrowedLayer& layer : report.narrowed)
            json["narrowed"].push_back(
                {{"node", layer.node}, {"op", layer.op}, {"channels_before", layer.before}, {"channels_after", layer.after}});
    }
    if (report.sparse.constants > 0)
        json["sparse_constants"] = {
            {"constants", report.sparse.constants}, {"bytes", report.sparse.sparse}, {"dense_bytes", report.sparse.dense}};
    json["warnings"] = report.warnings;
    json["layers"] = Json::array();
    for (const LayerOutcome& layer : outcome.layers) json["layers"].push_back(layer_json(layer));
    json["not_pruned"] = skips_json(outcome.skipped);
    return dump_json(json);
}

}  // namespace mcompress
