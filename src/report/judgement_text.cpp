// Judgements as SARIF, JUnit XML and workflow commands. Names come from models: none of them can end a string, a tag or a command.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "report/judgement.h"
#include "report/model_json.h"
#include "report/text_table.h"
#include "support/error_catalog.h"
#include "support/hash.h"

namespace mcompress {

namespace {

using Json = nlohmann::ordered_json;

constexpr bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~' ||
           c == '/';
}

/// RFC 3986; a relative path stays relative, which is what code scanning wants.
std::string uri_of(const std::string& path) {
    std::string uri = path.starts_with('/') ? "file://" : "";
    for (const char c : path)
        uri += is_unreserved(c) ? std::string(1, c) : format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    return uri;
}

/// The code point at `at`, which moves behind it; nothing for bytes that are no UTF-8.
std::optional<std::uint32_t> read_code_point(std::string_view text, std::size_t& at) {
    const auto first = static_cast<unsigned char>(text[at++]);
    if (first < 0x80) return first;
    const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC2 ? 1 : 0;
    if (more == 0 || first > 0xF4 || at + static_cast<std::size_t>(more) > text.size()) return std::nullopt;
    std::uint32_t point = first & (0x3FU >> more);
    for (int index = 0; index < more; ++index) {
        const auto next = static_cast<unsigned char>(text[at + static_cast<std::size_t>(index)]);
        if ((next & 0xC0U) != 0x80) return std::nullopt;
        point = point << 6 | (next & 0x3FU);
    }
    constexpr std::uint32_t kSmallest[] = {0, 0x80, 0x800, 0x10000};
    if (point < kSmallest[more] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return std::nullopt;
    at += static_cast<std::size_t>(more);
    return point;
}

/// UTF-8 without control characters and line separators, and without the last two code points of a plane, which XML 1.0 has no way to write.
std::string plain_text(const std::string& raw) {
    std::string plain;
    const std::string text = printable(raw);
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t begin = at;
        const auto point = read_code_point(text, at);
        if (!point || (*point & 0xFFFE) == 0xFFFE) plain += "\xEF\xBF\xBD";
        else if (*point < 0x20 || (*point >= 0x7F && *point < 0xA0) || *point == 0x2028 || *point == 0x2029) plain += '?';
        else plain += text.substr(begin, at - begin);
    }
    return plain;
}

/// Brackets would be links and braces placeholders (SARIF 2.1.0, 3.11.5 and 3.11.6).
std::string sarif_text(const std::string& text) {
    std::string safe;
    for (const char c : plain_text(text)) {
        if (c == '{' || c == '}') safe += c;
        if (c == '[' || c == ']' || c == '\\') safe += '\\';
        safe += c;
    }
    return safe;
}

Json rule_json(const ErrorCode& code) {
    Json rule{{"id", code.id}, {"shortDescription", {{"text", code.summary}}}};
    if (const ErrorEntry* entry = find_error(code.id)) {
        rule["fullDescription"] = {{"text", entry->meaning}};
        rule["help"] = {{"text", entry->remedy}};
    }
    return rule;
}

std::string full_message(const JudgedCase& each) {
    std::string text = each.name + ": " + each.message;
    for (const std::string& line : each.details) text += "; " + line;
    return each.remedy.empty() ? text : text + " (" + each.remedy + ")";
}

std::string xml_text(const std::string& raw) {
    std::string safe;
    for (const char c : plain_text(raw)) {
        if (c == '&') safe += "&amp;";
        else if (c == '<') safe += "&lt;";
        else if (c == '>') safe += "&gt;";
        else if (c == '"') safe += "&quot;";
        else if (c == '\'') safe += "&apos;";
        else safe += c;
    }
    return safe;
}

/// As actions/toolkit escapes the data of a command, and its properties.
std::string command_data(const std::string& text) {
    std::string safe;
    for (const char c : plain_text(text)) safe += c == '%' ? std::string("%25") : std::string(1, c);
    return safe;
}

std::string command_property(const std::string& text) {
    std::string safe;
    for (const char c : command_data(text)) safe += c == ':' ? std::string("%3A") : c == ',' ? std::string("%2C") : std::string(1, c);
    return safe;
}

/// Of the rule and what breaks it, not of numbers that change from run to run.
std::string fingerprint_of(const JudgedCase& each) {
    Hasher hasher;
    hasher.add_string(each.code.id);
    hasher.add_string(each.group);
    hasher.add_string(each.name);
    return hasher.hex_digest();
}

std::size_t count(const Judgement& judgement, Verdict verdict) {
    return static_cast<std::size_t>(
        std::count_if(judgement.cases.begin(), judgement.cases.end(), [&](const JudgedCase& each) { return each.verdict == verdict; }));
}

}  // namespace

std::string to_sarif(const Judgement& judgement) {
    Json rules = Json::array(), results = Json::array();
    std::vector<std::string_view> known;
    for (const JudgedCase& each : judgement.cases) {
        if (each.verdict == Verdict::Passed) continue;
        auto rule = std::find(known.begin(), known.end(), each.code.id);
        if (rule == known.end()) {
            rules.push_back(rule_json(each.code));
            known.emplace_back(each.code.id);
            rule = known.end() - 1;
        }
        // A model has no lines, but code scanning shows nothing without one, and tells results at the same place apart by their fingerprints.
        const Json location{
            {"physicalLocation", {{"artifactLocation", {{"uri", uri_of(judgement.artifact)}}}, {"region", {{"startLine", 1}}}}},
            {"logicalLocations", Json::array({{{"fullyQualifiedName", plain_text(each.name)}, {"kind", "object"}}})}};
        results.push_back({{"ruleId", each.code.id},
                           {"ruleIndex", rule - known.begin()},
                           {"level", each.verdict == Verdict::Failed ? "error" : "warning"},
                           {"message", {{"text", sarif_text(full_message(each))}}},
                           {"locations", Json::array({location})},
                           {"partialFingerprints", {{"mcompressObject/v1", fingerprint_of(each)}}}});
    }
    const Json driver{{"name", "mcompress"}, {"version", MCOMPRESS_VERSION}, {"rules", rules}};
    const Json run{{"tool", {{"driver", driver}}},
                   {"artifacts", Json::array({{{"location", {{"uri", uri_of(judgement.artifact)}}}}})},
                   {"columnKind", "utf16CodeUnits"},
                   {"results", results}};
    return dump_json({{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"}, {"version", "2.1.0"}, {"runs", Json::array({run})}});
}

std::string to_junit(const Judgement& judgement) {
    const std::string counts =
        format("tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"0\"", judgement.cases.size(), count(judgement, Verdict::Failed));
    std::string text = format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"mcompress\" {}>\n", counts);
    text += format("  <testsuite name=\"mcompress {} {}\" {}>\n", xml_text(judgement.command), xml_text(judgement.artifact), counts);
    for (const JudgedCase& each : judgement.cases) {
        text += format("    <testcase classname=\"{}\" name=\"{}\">", xml_text("mcompress." + judgement.command + "." + each.group),
                       xml_text(std::string(each.code.id) + " " + each.name));
        std::string lines = xml_text(each.message) + "\n";
        for (const std::string& line : each.details) lines += xml_text(line) + "\n";
        if (!each.remedy.empty()) lines += "help: " + xml_text(each.remedy) + "\n";
        if (each.verdict == Verdict::Failed)
            text += format("<failure message=\"{}\" type=\"{}\">{}</failure>", xml_text(each.message), each.code.id, lines);
        else text += "<system-out>" + std::string(each.verdict == Verdict::Warned ? "warning: " : "") + lines + "</system-out>";
        text += "</testcase>\n";
    }
    return text + "  </testsuite>\n</testsuites>\n";
}

std::string to_github(const Judgement& judgement) {
    constexpr std::size_t kMostShown = 10;
    std::string text;
    for (const auto& [verdict, command] : {std::pair{Verdict::Failed, "error"}, std::pair{Verdict::Warned, "warning"}}) {
        const std::size_t all = count(judgement, verdict);
        std::size_t shown = 0;
        for (const JudgedCase& each : judgement.cases) {
            if (each.verdict != verdict || shown == kMostShown) continue;
            ++shown;
            const std::string more = shown == kMostShown && all > shown ? format(" ({} more are in the report)", all - shown) : "";
            text += format("::{} file={},title={}::{}\n", command, command_property(judgement.artifact),
                           command_property(format("{} {}", each.code.id, each.code.summary)), command_data(full_message(each) + more));
        }
    }
    return text;
}

}  // namespace mcompress
