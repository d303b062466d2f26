#include "report/recipe_report.h"

#include "report/model_json.h"
#include "support/format.h"

namespace mcompress {

Document describe(const RecipeReport& report) {
    Document document("recipe " + report.recipe);
    if (!report.has_passed) document.paragraph("FAILED: a gate was not met; no model was written", Tone::Bad);
    for (std::size_t at = 0; at < report.steps.size(); ++at) {
        document.heading(format("{}. {}", at + 1, report.steps[at].command));
        document.append(report.steps[at].document);
    }
    return document;
}

std::string to_json(const RecipeReport& report) {
    using Json = nlohmann::ordered_json;
    Json json{{"schema", "mcompress/recipe-report"},
              {"schema_version", 1},
              {"recipe", report.recipe},
              {"passed", report.has_passed},
              {"output", report.has_passed ? Json(report.output) : Json(nullptr)},
              {"steps", Json::array()}};
    for (const RecipeReport::Step& step : report.steps)
        json["steps"].push_back({{"command", step.command}, {"report", Json::parse(step.json)}});
    return dump_json(json);
}

}  // namespace mcompress
