#include "report/check_report.h"

#include <algorithm>
#include <string_view>

#include "report/model_json.h"
#include "support/error_catalog.h"

namespace mcompress {

namespace {

struct Rule {
    const ErrorCode& code;
    const char* expected;
};

constexpr Rule kRules[] = {
    {codes::kNotOnnx, "an ONNX model"},
    {codes::kModelTruncated, "a file that is whole"},
    {codes::kModelInvalid, "a graph that keeps ONNX's rules of names and structure"},
    {codes::kTensorInvalid, "type, shape and contents that fit each other"},
    {codes::kExternalData, "a regular file below the model's folder that holds the bytes the tensor names"},
    {codes::kOperatorUnknown, "an operator of the imported opset"},
    {codes::kShapeInvalid, "types and shapes that the operator takes"},
    {codes::kAttributeInvalid, "attributes as the operator defines them"},
    {codes::kOpsetUnsupported, "an opset that is known"},
    {codes::kNestingTooDeep, "bodies nested at most about 31 deep"},
    {codes::kNotFinite, "finite numbers"},
    {codes::kTooLarge, "sizes within the limits"},
};

const char* name_of(Severity severity) { return severity == Severity::Error ? "error" : "warning"; }

std::string counted(std::size_t count, const char* what) { return format("{} {}{}", count, what, count == 1 ? "" : "s"); }

std::string verdict(const CheckReport& report) {
    const std::size_t errors = report.count(Severity::Error), warnings = report.count(Severity::Warning);
    if (errors + warnings == 0) return "nothing is wrong";
    return counted(errors, "error") + ", " + counted(warnings, "warning");
}

}  // namespace

std::size_t CheckReport::count(Severity severity) const {
    return static_cast<std::size_t>(
        std::count_if(findings.begin(), findings.end(), [&](const Finding& finding) { return finding.severity == severity; }));
}

std::string expected_of(const Finding& finding) {
    if (!finding.expected.empty()) return finding.expected;
    for (const Rule& rule : kRules)
        if (std::string_view(rule.code.id) == finding.code.id) return rule.expected;
    return finding.code.summary;
}

std::string remedy_of(const Finding& finding) {
    if (!finding.remedy.empty()) return finding.remedy;
    const ErrorEntry* const entry = find_error(finding.code.id);
    return entry ? entry->remedy : "";
}

Document describe(const CheckReport& report) {
    Document document("check " + report.model);
    document.fact("model", report.model);
    document.fact("looked at",
                  format("{} nodes, {} constants, {} functions; {}", with_thousands(static_cast<std::int64_t>(report.nodes)),
                         with_thousands(static_cast<std::int64_t>(report.constants)), report.functions, human_bytes(report.bytes)));
    if (!report.stopped_by.empty()) document.fact("not looked at", report.stopped_by);
    const std::size_t shown = std::min(report.most_shown, report.findings.size());
    for (std::size_t at = 0; at < shown; ++at) {
        const Finding& finding = report.findings[at];
        document.fact(finding.code.id, {format("{}: {}: {}", name_of(finding.severity), finding.object, finding.found),
                                        "expected: " + expected_of(finding), "help: " + remedy_of(finding)});
    }
    if (shown < report.findings.size())
        document.fact("…", format("{} more; --limit shows more, the JSON report lists all", report.findings.size() - shown));
    document.paragraph(verdict(report), report.count(Severity::Error) > 0 ? Tone::Bad : report.findings.empty() ? Tone::Good : Tone::Plain);
    TextTable all({{"code", Align::Left},
                   {"severity", Align::Left},
                   {"object", Align::Left},
                   {"found", Align::Left},
                   {"expected", Align::Left},
                   {"remedy", Align::Left}});
    for (const Finding& finding : report.findings)
        all.add_row({finding.code.id, name_of(finding.severity), finding.object, finding.found, expected_of(finding), remedy_of(finding)});
    document.long_table("all findings", std::move(all));
    return document;
}

std::string to_json(const CheckReport& report) {
    using Json = nlohmann::ordered_json;
    Json json = json_document("mcompress/check");
    json["model"] = report.model;
    json["bytes"] = report.bytes;
    json["nodes"] = report.nodes;
    json["constants"] = report.constants;
    json["functions"] = report.functions;
    json["complete"] = report.stopped_by.empty();
    json["not_looked_at"] = report.stopped_by;
    json["errors"] = report.count(Severity::Error);
    json["warnings"] = report.count(Severity::Warning);
    json["findings"] = Json::array();
    for (const Finding& finding : report.findings)
        json["findings"].push_back({{"severity", name_of(finding.severity)},
                                    {"code", finding.code.id},
                                    {"summary", finding.code.summary},
                                    {"object", finding.object},
                                    {"found", finding.found},
                                    {"expected", expected_of(finding)},
                                    {"remedy", remedy_of(finding)}});
    return dump_json(json);
}

}  // namespace mcompress
