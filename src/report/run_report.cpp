#include "report/run_report.h"

#include "report/model_json.h"

namespace mcompress {

RunReport run_report(std::string model, std::string file, const std::vector<std::pair<std::string, Tensor>>& outputs) {
    RunReport report{std::move(model), std::move(file), {}};
    for (const auto& [name, tensor] : outputs)
        report.outputs.push_back({name, std::string(dtype_name(tensor.dtype())), tensor.shape().to_string()});
    return report;
}

Document describe(const RunReport& report) {
    Document document("run " + report.model);
    TextTable table({{"output", Align::Left}, {"type", Align::Left}, {"shape", Align::Left}});
    for (const RunReport::Output& output : report.outputs) table.add_row({output.name, output.dtype, output.shape});
    document.table(std::move(table));
    return document;
}

std::string to_json(const RunReport& report) {
    using Json = nlohmann::ordered_json;
    Json json{
        {"schema", "mcompress/run"}, {"schema_version", 1}, {"model", report.model}, {"file", report.file}, {"outputs", Json::array()}};
    for (const RunReport::Output& output : report.outputs)
        json["outputs"].push_back({{"name", output.name}, {"type", output.dtype}, {"shape", output.shape}});
    return dump_json(json);
}

}  // namespace mcompress
