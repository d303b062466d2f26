#include "report/stamp_report.h"

#include <algorithm>

#include "report/model_json.h"

namespace mcompress {

namespace {

const char* word_of(StampCheck::Verdict verdict) {
    if (verdict == StampCheck::Verdict::NotChecked) return "not checked";
    return verdict == StampCheck::Verdict::Matches ? "matches" : "differs";
}

std::string joined(const std::vector<std::string>& texts, const char* separator) {
    std::string all;
    for (const std::string& text : texts) all += (all.empty() ? "" : separator) + text;
    return all;
}

}  // namespace

StampCheck::Verdict StampCheck::verdict() const {
    if (!found) return Verdict::NotChecked;
    return std::find(stamped.begin(), stamped.end(), *found) != stamped.end() ? Verdict::Matches : Verdict::Differs;
}

bool StampReport::matches() const {
    return std::none_of(checks.begin(), checks.end(),
                        [](const StampCheck& check) { return check.verdict() == StampCheck::Verdict::Differs; });
}

Document describe(const StampReport& report) {
    Document document("stamp of " + report.model);
    document.fact("made by", report.tool);
    TextTable table({{"digest", Align::Left}, {"stamped", Align::Left}, {"found", Align::Left}, {"", Align::Left}});
    std::vector<std::string> different;
    for (const StampCheck& check : report.checks) {
        if (check.verdict() == StampCheck::Verdict::Differs) different.push_back(check.name);
        table.add_row(
            {check.name, check.stamped.empty() ? "none" : joined(check.stamped, " "), check.found.value_or(""), word_of(check.verdict())});
    }
    document.table(std::move(table));
    if (different.empty()) document.paragraph("what was checked is as stamped", Tone::Good);
    else document.paragraph("FAILED: " + joined(different, ", ") + (different.size() == 1 ? " differs" : " differ"), Tone::Bad);
    return document;
}

std::string to_json(const StampReport& report) {
    nlohmann::ordered_json json = json_document("mcompress/verify-stamp");
    json["model"] = report.model;
    json["tool"] = report.tool;
    json["matches"] = report.matches();
    json["checks"] = nlohmann::ordered_json::array();
    for (const StampCheck& check : report.checks) {
        nlohmann::ordered_json each{
            {"name", check.name}, {"stamped", check.stamped}, {"found", nullptr}, {"verdict", word_of(check.verdict())}};
        if (check.found) each["found"] = *check.found;
        json["checks"].push_back(std::move(each));
    }
    return dump_json(json);
}

}  // namespace mcompress
