#include "ir/finding.h"

#include <algorithm>
#include <string_view>

namespace mcompress {

namespace {

bool is_structural(const Finding& finding) {
    return finding.severity == Severity::Error && std::string_view(finding.code.id) == codes::kModelInvalid.id;
}

Finding split(const Error& error, std::string object, std::string message) {
    constexpr std::string_view kExpected = ", expected ";
    Finding finding{.code = error.code(), .object = std::move(object), .found = std::move(message), .remedy = error.remedy()};
    if (const auto at = finding.found.rfind(kExpected); at != std::string::npos) {
        finding.expected = finding.found.substr(at + kExpected.size());
        finding.found.resize(at);
    }
    return finding;
}

[[noreturn]] void throw_structural(const std::vector<Finding>& findings) {
    constexpr std::ptrdiff_t kMostListed = 20;
    const auto count = std::count_if(findings.begin(), findings.end(), is_structural);
    std::string text = count == 1 ? "one fault: " : format("{} faults: ", count);
    std::ptrdiff_t listed = 0;
    for (const Finding& finding : findings) {
        if (!is_structural(finding)) continue;
        if (listed > 0) text += "; ";
        if (listed == kMostListed) {
            text += format("and {} more", count - listed);
            break;
        }
        text += finding.object + " " + finding.problem();
        ++listed;
    }
    throw Error(codes::kModelInvalid, std::move(text), "export the model again; mcompress check lists everything that is wrong with it");
}

}  // namespace

Finding finding_of(const Error& error) {
    std::string object;
    for (auto frame = error.context().rbegin(); frame != error.context().rend(); ++frame) object += (object.empty() ? "" : ": ") + *frame;
    return split(error, object.empty() ? "model" : std::move(object), error.message());
}

Finding finding_at(const std::string& object, const Error& error) {
    std::string place = object;
    for (auto frame = error.context().rbegin(); frame != error.context().rend(); ++frame)
        if (*frame != object) place += ": " + *frame;
    const std::string prefix = object + ": ";
    return split(error, std::move(place), error.message().starts_with(prefix) ? error.message().substr(prefix.size()) : error.message());
}

void throw_if_any(const std::vector<Finding>& findings) {
    const auto first =
        std::find_if(findings.begin(), findings.end(), [](const Finding& finding) { return finding.severity == Severity::Error; });
    if (first == findings.end()) return;
    if (is_structural(*first)) throw_structural(findings);
    Error error(first->code, first->problem(), first->remedy);
    if (first->object != "model") error.add_context(first->object);
    throw error;
}

}  // namespace mcompress
