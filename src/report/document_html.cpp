// Documents as one page of HTML that loads nothing: style and script are fixed texts that the page's policy names by their hashes.
#include <algorithm>
#include <cmath>

#include "report/document.h"
#include "report/page_parts.h"
#include "support/format.h"

namespace mcompress {

namespace {

/// Safe as text and as a quoted attribute. Bytes that are no UTF-8 become U+FFFD when the page is read: it says it is UTF-8.
std::string escaped(const std::string& text) {
    std::string safe;
    for (const char c : printable(text)) {
        if (c == '<') safe += "&lt;";
        else if (c == '>') safe += "&gt;";
        else if (c == '&') safe += "&amp;";
        else if (c == '"') safe += "&quot;";
        else if (c == '\'') safe += "&#39;";
        else safe += c;
    }
    return safe;
}

std::string broken_lines(const std::vector<std::string>& lines) {
    std::string text;
    for (std::size_t at = 0; at < lines.size(); ++at) text += (at > 0 ? "<br>" : "") + escaped(lines[at]);
    return text;
}

std::string html_of(const Heading& heading) { return "<h2>" + escaped(heading.text) + "</h2>\n"; }

std::string html_of(const Facts& facts) {
    std::string text = "<dl>\n";
    for (const Fact& fact : facts.facts) {
        text += "<dt>" + escaped(fact.name) + "</dt><dd>";
        text += broken_lines(fact.lines) + "</dd>\n";
    }
    return text + "</dl>\n";
}

std::string html_of(const Paragraph& paragraph) {
    const char* const tone = paragraph.tone == Tone::Bad ? " class=\"bad\"" : paragraph.tone == Tone::Good ? " class=\"good\"" : "";
    return format("<p{}>", tone) + broken_lines(lines_of(paragraph)) + "</p>\n";
}

std::string table_html(const TextTable& table) {
    const auto cell = [&](const char* tag, std::size_t column, const std::string& text) {
        return format("<{}{}>{}</{}>", tag, table.columns()[column].second == Align::Right ? " class=\"number\"" : "", escaped(text), tag);
    };
    std::string text = "<table><thead><tr>";
    for (std::size_t at = 0; at < table.columns().size(); ++at) text += cell("th", at, table.columns()[at].first);
    text += "</tr></thead>\n<tbody>\n";
    for (const auto& row : table.rows()) {
        text += "<tr>";
        for (std::size_t at = 0; at < table.columns().size(); ++at) text += cell("td", at, at < row.size() ? row[at] : std::string());
        text += "</tr>\n";
    }
    return text + "</tbody></table>\n";
}

std::string html_of(const TextTable& table) { return "<div class=\"wide\">" + table_html(table) + "</div>\n"; }

std::string html_of(const LongTable& folded) {
    return "<details><summary>" + escaped(folded.title) + format(" ({})</summary>\n", folded.table.rows().size()) +
           "<input type=\"search\" placeholder=\"search\" aria-label=\"search\">\n<div class=\"wide\">" + table_html(folded.table) +
           "</div></details>\n";
}

// Drawn in a fixed coordinate system that the page scales to its width.
constexpr double kWidth = 800.0, kLabelEnd = 290.0, kBarBegin = 300.0, kBarEnd = 690.0, kRow = 20.0;

/// The end of a long name tells more than its beginning: "…/features.18/conv".
std::string shortened(const std::string& label) {
    constexpr std::size_t kMost = 44;
    if (label.size() <= kMost) return label;
    std::size_t begin = label.size() - kMost;
    while (begin < label.size() && (static_cast<unsigned char>(label[begin]) & 0xC0u) == 0x80u) ++begin;
    return "…" + label.substr(begin);
}

std::string html_of(const BarChart& chart) {
    double most = 0.0;
    for (const BarChart::Bar& bar : chart.bars)
        if (std::isfinite(bar.value)) most = std::max(most, bar.value);
    const double height = kRow * static_cast<double>(chart.bars.size()) + 4.0;
    std::string text = format("<figure><figcaption>{}</figcaption><svg viewBox=\"0 0 {:g} {:g}\" role=\"img\" aria-label=\"{}\">\n",
                              escaped(chart.title), kWidth, height, escaped(chart.title));
    double top = 2.0;
    for (const BarChart::Bar& bar : chart.bars) {
        const double share = !std::isfinite(bar.value) ? 1.0 : most > 0.0 ? std::max(0.0, bar.value) / most : 0.0;
        text += format("<text class=\"label\" x=\"{:g}\" y=\"{:g}\">{}<title>{}</title></text>", kLabelEnd, top + 14.0,
                       escaped(shortened(bar.label)), escaped(bar.label));
        text += format("<rect x=\"{:g}\" y=\"{:g}\" width=\"{:.1f}\" height=\"14\"/>", kBarBegin, top + 3.0,
                       std::max(1.0, share * (kBarEnd - kBarBegin)));
        text += format("<text x=\"{:.1f}\" y=\"{:g}\">{}</text>\n", kBarBegin + share * (kBarEnd - kBarBegin) + 8.0, top + 14.0,
                       escaped(bar.text));
        top += kRow;
    }
    return text + "</svg></figure>\n";
}

std::string html_of(const HistogramChart& chart) {
    constexpr double kHeight = 120.0, kFloor = 100.0;
    const double most = *std::max_element(chart.counts.begin(), chart.counts.end());
    const double span = chart.high - chart.low, bin = kWidth / static_cast<double>(chart.counts.size());
    const auto x_of = [&](double value) { return span > 0.0 ? std::clamp((value - chart.low) / span, 0.0, 1.0) * kWidth : 0.0; };
    std::string text = format("<figure><figcaption>{}</figcaption><svg viewBox=\"0 0 {:g} {:g}\" role=\"img\" aria-label=\"{}\">\n",
                              escaped(chart.title), kWidth, kHeight, escaped(chart.title));
    text += format("<rect class=\"chosen\" x=\"{:.1f}\" y=\"0\" width=\"{:.1f}\" height=\"{:g}\"/>", x_of(chart.chosen_low),
                   std::max(1.0, x_of(chart.chosen_high) - x_of(chart.chosen_low)), kFloor);
    for (std::size_t at = 0; at < chart.counts.size(); ++at) {
        // The square root keeps rare values in sight.
        const double height = most > 0.0 ? std::sqrt(chart.counts[at] / most) * (kFloor - 5.0) : 0.0;
        if (height <= 0.0) continue;
        text += format("<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\"/>", bin * static_cast<double>(at),
                       kFloor - height, std::max(0.5, bin - 0.2), height);
    }
    text += format("<text class=\"edge\" x=\"0\" y=\"115\">{:.4g}</text><text class=\"edge label\" x=\"{:g}\" "
                   "y=\"115\">{:.4g}</text></svg></figure>\n",
                   chart.low, kWidth, chart.high);
    return text;
}

}  // namespace

std::string to_html(const Document& document) {
    std::string body;
    for (const Block& block : document.blocks()) body += std::visit([](const auto& each) { return html_of(each); }, block);
    return format("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{}'; script-src '{}'; "
                  "base-uri 'none'; form-action 'none'\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n<style>{}</style>\n"
                  "</head><body>\n<h1>{}</h1>\n{}<footer>mcompress {}</footer>\n<script>{}</script>\n</body></html>\n",
                  kPageStyleHash, kPageScriptHash, escaped(document.title()), kPageStyle, escaped(document.title()), body,
                  MCOMPRESS_VERSION, kPageScript);
}

}  // namespace mcompress
