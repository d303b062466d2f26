#include "report/document.h"

#include <algorithm>

#include "support/format.h"

namespace mcompress {

namespace {

constexpr std::size_t kNameWidth = 12;

std::string text_of(const Heading& heading) {
    const std::string text = printable(heading.text);
    return text + "\n" + std::string(text.size(), '=') + "\n";
}

std::string text_of(const Facts& facts) {
    std::string text;
    for (const Fact& fact : facts.facts)
        for (std::size_t at = 0; at < fact.lines.size(); ++at)
            text += format("{:<{}} {}\n", at == 0 ? printable(fact.name) : "", kNameWidth, printable(fact.lines[at]));
    return text;
}

std::string text_of(const Paragraph& paragraph) {
    std::string text;
    for (const std::string& line : lines_of(paragraph)) text += printable(line) + "\n";
    return text;
}

std::string text_of(const TextTable& table) { return table.to_string(); }
std::string text_of(const BarChart&) { return {}; }
std::string text_of(const HistogramChart&) { return {}; }
std::string text_of(const LongTable&) { return {}; }

}  // namespace

std::vector<std::string> lines_of(const Paragraph& paragraph) {
    std::vector<std::string> lines;
    for (std::size_t begin = 0; begin <= paragraph.text.size();) {
        const std::size_t end = std::min(paragraph.text.find('\n', begin), paragraph.text.size());
        lines.push_back(paragraph.text.substr(begin, end - begin));
        begin = end + 1;
    }
    return lines;
}

void Document::fact(std::string name, std::vector<std::string> lines) {
    if (blocks_.empty() || !std::holds_alternative<Facts>(blocks_.back())) blocks_.emplace_back(Facts{});
    std::get<Facts>(blocks_.back()).facts.push_back({std::move(name), std::move(lines)});
}

void Document::table(TextTable table) {
    if (!table.empty()) blocks_.emplace_back(std::move(table));
}

void Document::chart(BarChart chart) {
    if (!chart.bars.empty()) blocks_.emplace_back(std::move(chart));
}

void Document::chart(HistogramChart chart) {
    if (!chart.counts.empty()) blocks_.emplace_back(std::move(chart));
}

void Document::long_table(std::string title, TextTable table) {
    if (!table.empty()) blocks_.emplace_back(LongTable{std::move(title), std::move(table)});
}

void Document::append(Document other) {
    for (Block& block : other.blocks_) blocks_.push_back(std::move(block));
}

std::string to_text(const Document& document) {
    std::string text;
    for (const Block& block : document.blocks()) {
        const std::string part = std::visit([](const auto& each) { return text_of(each); }, block);
        if (part.empty()) continue;
        text += (text.empty() ? "" : "\n") + part;
    }
    return text;
}

}  // namespace mcompress
