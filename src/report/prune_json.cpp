// What pruning did, as JSON.
#include <cmath>
#include <nlohmann/json.hpp>

#include "report/json.h"
#include "report/prune_report.h"

namespace mcompress {

namespace {

using Json = nlohmann::ordered_json;

// JSON has no infinity; null stands for it.
Json number(std::optional<double> value) { return value && std::isfinite(*value) ? Json(*value) : Json(nullptr); }

Json layer_json(const LayerOutcome& layer) {
    return {{"node", layer.node},
            {"op", layer.op},
            {"pattern", layer.pattern},
            {"weights", layer.weights},
            {"zeros", layer.zeros},
            {"zeros_before", layer.zeros_before},
            {"macs", layer.macs},
            {"repair", layer.repair},
            {"error_before", number(layer.error_before)},
            {"error_after", number(layer.error_after)},
            {"output_error_per_layer_error", number(layer.gain)}};
}

}  // namespace

std::string to_json(const PruneReport& report) {
    const PruneOutcome& outcome = report.outcome;
    Json json{{"schema", "mcompress/prune"}, {"schema_version", 1}};
    json["before"] = Json::parse(to_json(report.before));
    json["after"] = Json::parse(to_json(report.after));
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
    json["macs_with_zeros"] = report.macs_with_zeros;
    json["held_out"] = nullptr;
    if (outcome.fidelity)
        json["held_out"] = {{"samples", outcome.fidelity->samples},
                            {"sqnr_db", number(outcome.fidelity->sqnr_db)},
                            {"agreement", number(outcome.fidelity->agreement)}};
    if (!report.narrowed.empty()) {
        json["units"] = report.units;
        json["removed_units"] = report.removed_units;
        json["narrowed"] = Json::array();
        for (const NarrowedLayer& layer : report.narrowed)
            json["narrowed"].push_back(
                {{"node", layer.node}, {"op", layer.op}, {"channels_before", layer.before}, {"channels_after", layer.after}});
    }
    json["warnings"] = report.warnings;
    json["layers"] = Json::array();
    for (const LayerOutcome& layer : outcome.layers) json["layers"].push_back(layer_json(layer));
    json["not_pruned"] = Json::array();
    for (const Skip& skip : outcome.skipped) json["not_pruned"].push_back({{"node", skip.node}, {"op", skip.op}, {"reason", skip.reason}});
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace mcompress
