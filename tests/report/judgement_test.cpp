// Judgements in the forms that pipelines read; names that models bring must not become anything but text in any of them.
#include "report/judgement.h"

#include <map>
#include <nlohmann/json.hpp>
#include <string_view>

#include "catch.h"
#include "hostile_names.h"
#include "report/check_report.h"
#include "report/recipe_report.h"
#include "report/report.h"

using namespace mcompress;
using mcompress::testing::count;
using mcompress::testing::has_control_characters;
using mcompress::testing::kHostile;

namespace {

Judgement judgement_of_name(const std::string& name) {
    return {"check",
            name,
            {{codes::kTensorInvalid, "findings", name, Verdict::Failed, name, name, {name, name}},
             {codes::kNotFinite, "findings", name, Verdict::Warned, name, name},
             {codes::kGateFailed, "gates", name, Verdict::Passed, name}}};
}

/// A reader of XML as small as the parts that are written, which refuses everything else: the names of elements in order, and their attributes unescaped.
class XmlReader {
public:
    explicit XmlReader(std::string_view text) : text_(text) {}
    std::vector<std::string> opened;
    std::vector<std::map<std::string, std::string>> attributes;

    bool read() {
        if (!take("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")) return false;
        std::vector<std::string> open;
        while (at_ < text_.size()) {
            if (text_[at_] != '<') {
                if (!character()) return false;
                continue;
            }
            ++at_;
            if (take("/")) {
                const std::string name = word();
                if (open.empty() || open.back() != name || !take(">")) return false;
                open.pop_back();
                continue;
            }
            open.push_back(word());
            opened.push_back(open.back());
            attributes.emplace_back();
            while (take(" ")) {
                const std::string name = word();
                if (name.empty() || !take("=\"")) return false;
                std::string& value = attributes.back()[name];
                while (at_ < text_.size() && text_[at_] != '"') {
                    const std::size_t begin = at_;
                    if (text_[at_] == '<' || !character()) return false;
                    value += text_.substr(begin, at_ - begin);
                }
                if (!take("\"")) return false;
            }
            if (!take(">")) return false;
        }
        return open.empty();
    }

private:
    bool take(std::string_view part) {
        if (text_.substr(at_, part.size()) != part) return false;
        at_ += part.size();
        return true;
    }
    std::string word() {
        const std::size_t begin = at_;
        while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '-')) ++at_;
        return std::string(text_.substr(begin, at_ - begin));
    }
    bool character() {
        if (text_[at_] != '&') return ++at_, true;
        for (const char* entity : {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"})
            if (take(entity)) return true;
        return false;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

TEST_CASE("hostile names stay text in SARIF, JUnit and workflow commands") {
    REQUIRE(kHostile.size() == 40);
    const std::string plain_junit = to_junit(judgement_of_name("name")), plain_github = to_github(judgement_of_name("name"));
    XmlReader expected(plain_junit);
    REQUIRE(expected.read());
    for (const std::string& name : kHostile) {
        INFO(name);
        const Judgement judgement = judgement_of_name(name);
        const std::string sarif = to_sarif(judgement), junit = to_junit(judgement), github = to_github(judgement);
        for (const std::string* each : {&sarif, &junit, &github}) CHECK_FALSE(has_control_characters(*each));

        const auto json = nlohmann::json::parse(sarif);
        REQUIRE(json["runs"][0]["results"].size() == 2);
        const std::string message = json["runs"][0]["results"][0]["message"]["text"];
        for (std::size_t at = 0; at < message.size(); ++at)
            if (message[at] == '[' || message[at] == ']') CHECK((at > 0 && message[at - 1] == '\\'));
        CHECK(count(message, "{") % 2 == 0);
        const auto& results = json["runs"][0]["results"];
        CHECK(results[0]["partialFingerprints"] != results[1]["partialFingerprints"]);
        CHECK(results[0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 1);
        const std::string uri = json["runs"][0]["artifacts"][0]["location"]["uri"];
        for (const char c : uri)
            CHECK((std::isalnum(static_cast<unsigned char>(c)) || std::string_view("-._~/%:").find(c) != std::string_view::npos));

        XmlReader reader(junit);
        CHECK(reader.read());
        CHECK(reader.opened == expected.opened);
        REQUIRE(reader.attributes.size() == expected.attributes.size());
        for (std::size_t at = 0; at < reader.attributes.size(); ++at) CHECK(reader.attributes[at].size() == expected.attributes[at].size());
        // Whatever bytes went in, UTF-8 comes out: the JSON library refuses anything else.
        CHECK_NOTHROW(nlohmann::json(junit).dump());
        CHECK_NOTHROW(nlohmann::json(github).dump());

        CHECK(count(github, "\n") == count(plain_github, "\n"));
        for (std::size_t begin = 0; begin < github.size(); begin = github.find('\n', begin) + 1) {
            const std::string line = github.substr(begin, github.find('\n', begin) - begin);
            CHECK((line.starts_with("::error file=") || line.starts_with("::warning file=")));
            // The properties end at the second "::"; within them nothing can begin another one or end them.
            const std::string properties = line.substr(line.find(' '), line.find("::", 2) - line.find(' '));
            CHECK(count(properties, ",") == 1);
            CHECK(count(properties, ":") == 0);
        }
    }
}

TEST_CASE("workflow commands keep to what is shown, and say how much is not") {
    Judgement judgement{"check", "m.onnx", {}};
    for (int at = 0; at < 25; ++at)
        judgement.cases.push_back({codes::kTensorInvalid, "findings", std::to_string(at), Verdict::Failed, "100 %"});
    const std::string text = to_github(judgement);
    CHECK(count(text, "::error ") == 10);
    CHECK(count(text, "15 more") == 1);
    CHECK(count(text, "100 %25") == 10);
}

TEST_CASE("a gate that fails is a failure with its layers; one that passes is a passed case") {
    ValidateReport report;
    report.candidate.path = "m.onnx";
    report.gates = {{"min-agreement", 98.0, 99.0, true}, {"min-sqnr", 40.0, 30.5, false}};
    LayerFidelity layer;
    layer.value = "conv1";
    layer.op = "Conv";
    layer.measure.add(std::vector<float>{1.0F, 2.0F}, std::vector<float>{1.0F, 2.5F});
    report.layers = {layer};
    const std::string junit = to_junit(judgement_of(report));
    CHECK(count(junit, "<testcase ") == 2);
    CHECK(count(junit, "<failure ") == 1);
    CHECK(count(junit, "tests=\"2\" failures=\"1\"") == 2);
    CHECK(count(junit, "limit 40, measured 30.5") == 2);
    CHECK(count(junit, "conv1 (Conv)") == 1);
    RecipeReport recipe;
    recipe.steps.push_back({"validate", Document("d"), "{}", judgement_of(report)});
    CHECK(count(to_junit(judgement_of(recipe)), "1. validate gates") == 2);
    CHECK(nlohmann::json::parse(to_sarif(judgement_of(recipe)))["runs"][0]["results"].size() == 1);
}

TEST_CASE("warnings of a check pass, unless they are refused") {
    CheckReport report;
    report.model = "m.onnx";
    report.findings = {{codes::kNotFinite, "tensor 'w'", "1 of 4 values are NaN", "finite numbers", "", Severity::Warning}};
    CHECK(count(to_junit(judgement_of(report)), "<failure ") == 0);
    CHECK(count(to_sarif(judgement_of(report)), "\"warning\"") == 1);
    report.warnings = WarningPolicy::Refuse;
    CHECK(count(to_junit(judgement_of(report)), "<failure ") == 1);
}
