// What a command would do, as JSON.
#include "report/dry_run_report.h"
#include "report/model_json.h"

namespace mcompress {

std::string to_json(const DryRunReport& report) {
    using Json = nlohmann::ordered_json;
    Json json = json_document("mcompress/dry-run");
    json["command"] = report.command;
    json["model"] = report.model;
    json["model_bytes"] = report.model_bytes;
    json["samples"] = report.samples;
    if (report.prediction) {
        Json& prediction = json["prediction"];
        prediction["files"] = Json::array();
        for (const PredictedFile& file : report.prediction->files)
            prediction["files"].push_back({{"path", file.path}, {"bytes", file.bytes}});
        prediction["bytes"] = report.prediction->bytes();
        prediction["peak_memory_bytes"] = report.prediction->peak_memory;
        prediction["seconds"] = json_number(report.prediction->seconds);
    }
    json["problems"] = Json::array();
    for (const Error& problem : report.problems)
        json["problems"].push_back({{"code", problem.code().id}, {"message", problem.message()}, {"remedy", problem.remedy()}});
    json["notes"] = report.notes;
    return dump_json(json);
}

}  // namespace mcompress
