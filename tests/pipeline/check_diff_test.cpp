// check and diff over the models that ONNX publishes: nothing is wrong with them, none differs from itself, and what differs between two adds up.
#include "catch.h"
#include "fixtures/assets.h"
#include "fixtures/published_models.h"
#include "pipeline/check_model.h"
#include "pipeline/diff_models.h"

using namespace mcompress;
namespace fs = std::filesystem;

namespace {

std::string errors_of(const CheckReport& report) {
    std::string text;
    for (const Finding& finding : report.findings)
        if (finding.severity == Severity::Error) text += finding.object + " " + finding.problem() + "; ";
    return text;
}

}  // namespace

TEST_CASE("check finds nothing wrong with published and real models") {
    std::vector<fs::path> files;
    for (const PublishedModel& model : published_models()) files.push_back(model.file());
    if (fs::exists(assets() / "models"))
        for (const auto& entry : fs::directory_iterator(assets() / "models"))
            if (entry.path().extension() == ".onnx") files.push_back(entry.path());
    if (files.empty()) WARN("skipped: no models");
    for (const fs::path& file : files) {
        INFO(file.string());
        const CheckReport report = check_model(file, 2);
        CHECK(errors_of(report) == "");
        CHECK(report.stopped_by == "");
        for (const Finding& finding : report.findings) CHECK((!expected_of(finding).empty() && !remedy_of(finding).empty()));
    }
}

TEST_CASE("a model does not differ from itself, and two models add up") {
    const std::vector<PublishedModel> models = published_models();
    if (models.empty()) WARN("skipped: no models");
    for (std::size_t at = 0; at < models.size(); ++at) {
        INFO(models[at].name);
        const DiffReport same = diff_models(models[at].file(), models[at].file());
        CHECK(same.is_identical);
        CHECK((same.nodes_same == same.nodes_before && same.nodes_changed.empty() && same.nodes_renamed.empty() && same.weights.empty() &&
               same.quantizers.empty() && same.model.empty() && same.metadata.empty() && same.functions.empty() && same.outputs.empty()));
        const PublishedModel& other = models[(at + 1) % models.size()];
        const DiffReport forth = diff_models(models[at].file(), other.file()), back = diff_models(other.file(), models[at].file());
        CHECK(forth.nodes_same + forth.nodes_changed.size() + forth.nodes_removed.size() == forth.nodes_before);
        CHECK(forth.nodes_same + forth.nodes_changed.size() + forth.nodes_added.size() == forth.nodes_after);
        CHECK(forth.nodes_added.size() == back.nodes_removed.size());
        CHECK(forth.weights.size() == back.weights.size());
        CHECK(forth.is_identical == back.is_identical);
    }
}
