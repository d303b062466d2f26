// What a report shows, block by block. Writers make text for a terminal, Markdown or a page of HTML of it.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "report/text_table.h"

namespace mcompress {

struct Heading {
    std::string text;
};

/// A named line or several: "calibration", {"100 samples from calib/", …}.
struct Fact {
    std::string name;
    std::vector<std::string> lines;
};
struct Facts {
    std::vector<Fact> facts;
};

enum class Tone { Plain, Good, Bad };

struct Paragraph {
    std::string text;
    Tone tone = Tone::Plain;
};

/// Its lines; an empty text has one.
std::vector<std::string> lines_of(const Paragraph& paragraph);

/// Values beside each other. Drawn where there is something to draw on; a table beside it says the same to those who read text.
struct BarChart {
    struct Bar {
        std::string label;
        double value = 0.0;  // not negative; not finite: drawn over the whole width
        std::string text;    // the value as it is to be read
    };
    std::string title;
    std::vector<Bar> bars;
};

/// Counts over equal steps of a range, with the part of it that was chosen.
struct HistogramChart {
    std::string title;
    double low = 0.0;  // of the first bin
    double high = 0.0;
    std::vector<double> counts;
    double chosen_low = 0.0;
    double chosen_high = 0.0;
};

/// A table that HTML shows folded, with a search field over it: every node of a model, every tensor.
struct LongTable {
    std::string title;
    TextTable table;
};

using Block = std::variant<Heading, Facts, Paragraph, TextTable, BarChart, HistogramChart, LongTable>;

class Document {
public:
    explicit Document(std::string title) : title_(std::move(title)) {}

    const std::string& title() const { return title_; }
    const std::vector<Block>& blocks() const { return blocks_; }

    void heading(std::string text) { blocks_.emplace_back(Heading{std::move(text)}); }
    /// Joins the facts right before it.
    void fact(std::string name, std::vector<std::string> lines);
    void fact(std::string name, std::string line) { fact(std::move(name), std::vector{std::move(line)}); }
    void paragraph(std::string text, Tone tone = Tone::Plain) { blocks_.emplace_back(Paragraph{std::move(text), tone}); }
    /// Left out when it has no rows.
    void table(TextTable table);
    void chart(BarChart chart);
    void chart(HistogramChart chart);
    void long_table(std::string title, TextTable table);
    /// All blocks of another document.
    void append(Document other);

private:
    std::string title_;
    std::vector<Block> blocks_;
};

/// For a terminal or a log: charts and long tables are left out, control characters shown as '?'.
std::string to_text(const Document& document);
/// GitHub-flavoured Markdown; charts are left out, long tables folded. What comes from models cannot end a cell, start a command or become HTML.
std::string to_markdown(const Document& document);
/// One page that needs no network: nothing is loaded, and the page's own policy forbids to. Charts are inline SVG.
std::string to_html(const Document& document);

}  // namespace mcompress
