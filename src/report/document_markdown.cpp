// Documents as GitHub-flavoured Markdown.
#include <string_view>

#include "report/document.h"
#include "support/format.h"

namespace mcompress {

namespace {

// Every character that Markdown, HTML or a workflow command could read as its own.
std::string escaped(const std::string& text) {
    static constexpr std::string_view kActive = R"(\`*_{}[]()#+-.!|~>$@)";
    std::string safe;
    for (const char c : printable(text)) {
        if (c == '<') safe += "&lt;";
        else if (c == '&') safe += "&amp;";
        else if (c == ':') safe += "&#58;";
        else if (kActive.find(c) != std::string_view::npos) (safe += '\\') += c;
        else safe += c;
    }
    return safe;
}

// Within a sentence or a cell only what could end it or begin markup has to be escaped, or numbers become unreadable in the source.
std::string cell(const std::string& text) {
    static constexpr std::string_view kActive = R"(\`*_[]|~$@)";
    std::string safe;
    const std::string shown = printable(text);
    for (std::size_t at = 0; at < shown.size(); ++at) {
        const char c = shown[at];
        if (c == '<') safe += "&lt;";
        else if (c == '>') safe += "&gt;";
        else if (c == '&') safe += "&amp;";
        else if (c == ':' && at + 1 < shown.size() && shown[at + 1] == ':') safe += "&#58;";  // "::error::"
        else if (c == ':' && shown.substr(at, 3) == "://") safe += "&#58;";                   // no links of a model's making
        else if (kActive.find(c) != std::string_view::npos) (safe += '\\') += c;
        else safe += c;
    }
    return safe;
}

std::string markdown_of(const Heading& heading) { return "## " + escaped(heading.text) + "\n"; }

std::string markdown_of(const Facts& facts) {
    std::string text;
    for (const Fact& fact : facts.facts) {
        text += "- **" + escaped(fact.name) + "** ";
        for (std::size_t at = 0; at < fact.lines.size(); ++at) text += (at > 0 ? "<br>" : "") + cell(fact.lines[at]);
        text += "\n";
    }
    return text;
}

std::string markdown_of(const Paragraph& paragraph) {
    const char* const quote = paragraph.tone == Tone::Bad ? "> " : "";
    std::string text = paragraph.tone == Tone::Bad ? "> [!WARNING]\n" : "";
    const std::vector<std::string> lines = lines_of(paragraph);
    for (std::size_t at = 0; at < lines.size(); ++at) {
        // The first character of a line may begin a list, a heading or a quotation.
        text += quote + (lines[at].empty() ? std::string() : escaped(lines[at].substr(0, 1)) + cell(lines[at].substr(1))) +
                (at + 1 < lines.size() ? "  \n" : "\n");
    }
    return text;
}

std::string markdown_of(const TextTable& table) {
    std::string titles = "|", rule = "|";
    for (const auto& [title, align] : table.columns()) {
        titles += " " + cell(title) + " |";
        rule += align == Align::Right ? " ---: |" : " --- |";
    }
    std::string text = titles + "\n" + rule + "\n";
    for (const auto& row : table.rows()) {
        text += "|";
        for (std::size_t at = 0; at < table.columns().size(); ++at) text += " " + (at < row.size() ? cell(row[at]) : "") + " |";
        text += "\n";
    }
    return text;
}

std::string markdown_of(const BarChart&) { return {}; }
std::string markdown_of(const HistogramChart&) { return {}; }

std::string markdown_of(const LongTable& folded) {
    return "<details><summary>" + cell(folded.title) + "</summary>\n\n" + markdown_of(folded.table) + "\n</details>\n";
}

}  // namespace

std::string to_markdown(const Document& document) {
    std::string text = "# " + escaped(document.title()) + "\n";
    for (const Block& block : document.blocks()) {
        const std::string part = std::visit([](const auto& each) { return markdown_of(each); }, block);
        if (!part.empty()) text += "\n" + part;
    }
    return text;
}

}  // namespace mcompress
