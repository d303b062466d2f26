#include "pipeline/verify_stamp.h"

#include "onnx/load.h"
#include "onnx/stamp.h"
#include "support/error.h"

namespace mcompress {

namespace {

std::string digest_of(const std::filesystem::path& path) { return content_digest(path, load_model(path)->external_files); }

}  // namespace

StampReport verify_stamp(const VerifyStampRequest& request) {
    const std::string model = digest_of(request.model);
    const auto sealed = read_stamp(request.model);
    if (!sealed)
        throw Error(codes::kStampMissing, format("{} has no stamp", request.model.string()),
                    "write it with --stamp; tools that save a model anew may drop its metadata");
    const Stamp& stamp = sealed->stamp;
    StampReport report{.model = request.model.string(), .tool = stamp.tool, .checks = {}};
    report.checks.push_back({"stamp", {sealed->seal}, seal(stamp, sealed->model).seal});
    report.checks.push_back({"model", {sealed->model}, model});
    report.checks.push_back({"input", {stamp.input}, std::nullopt});
    if (!request.input.empty()) report.checks.back().found = digest_of(request.input);
    report.checks.push_back({"data", stamp.data, request.data});
    report.checks.push_back({"recipe", {stamp.recipe}, request.recipe});
    return report;
}

}  // namespace mcompress
