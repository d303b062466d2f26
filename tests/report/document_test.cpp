// Documents in their three forms; names that models bring must not become anything but text in any of them.
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <string_view>

#include "catch.h"
#include "hostile_names.h"
#include "report/document.h"
#include "report/page_parts.h"

using namespace mcompress;
using mcompress::testing::count;
using mcompress::testing::has_control_characters;
using mcompress::testing::kHostile;

namespace {

Document document_of(const std::string& name) {
    Document document("title " + name);
    document.heading(name);
    document.fact(name, name);
    document.paragraph(name, Tone::Bad);
    TextTable table({{name, Align::Left}, {"n", Align::Right}});
    table.add_row({name, "1"});
    document.table(table);
    document.long_table(name, table);
    document.chart(BarChart{name, {{name, 1.0, name}}});
    document.chart(HistogramChart{name, 0.0, 1.0, {1.0, 2.0}, 0.0, 1.0});
    return document;
}

std::string output_of(const std::string& command) {
    std::string text;
    FILE* const pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) text += static_cast<char>(c);
    pclose(pipe);
    return text;
}

/// What a browser computes of an inline text, with coreutils' SHA-256.
std::string policy_hash(std::string_view text) {
    const std::string file = "/tmp/mcompress_policy_" + std::to_string(text.size());
    FILE* const out = std::fopen(file.c_str(), "wb");
    REQUIRE(out != nullptr);
    std::fwrite(text.data(), 1, text.size(), out);
    std::fclose(out);
    const std::string hex = output_of("sha256sum " + file);
    std::remove(file.c_str());
    REQUIRE(hex.size() > 64);
    std::string base64 = "sha256-";
    static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::uint32_t bits = 0;
    int held = 0;
    for (std::size_t at = 0; at < 64; at += 2) {
        bits = (bits << 8) | static_cast<std::uint32_t>(std::stoul(hex.substr(at, 2), nullptr, 16));
        for (held += 8; held >= 6; held -= 6) base64 += kDigits[(bits >> (held - 6)) & 63];
    }
    return base64 + kDigits[(bits << (6 - held)) & 63] + "=";  // 256 bits leave 4 over
}

}  // namespace

TEST_CASE("hostile names stay text in every form of a document") {
    REQUIRE(kHostile.size() == 40);
    const Document plain = document_of("name");
    for (const std::string& name : kHostile) {
        INFO(name);
        const Document document = document_of(name);
        const std::string text = to_text(document), markdown = to_markdown(document), html = to_html(document);
        for (const std::string* each : {&text, &markdown, &html}) CHECK_FALSE(has_control_characters(*each));
        // No line, tag or cell more than an innocent name gives.
        CHECK(count(markdown, "\n") - count(name, "\n") <= count(to_markdown(plain), "\n"));
        for (const char* mark : {"<script", "<style", "<h1", "<img", "<!--", "<details", "onmouseover=\"", "onerror=\""})
            CHECK(count(html, mark) == count(to_html(plain), mark));
        CHECK(count(html, "<") == count(to_html(plain), "<") + count(name, "\n"));  // a paragraph keeps its lines as <br>
        CHECK(count(html, "\"") == count(to_html(plain), "\""));
        CHECK(count(markdown, "\n::") == 0);
        CHECK(count(markdown, "<") == count(to_markdown(plain), "<"));
        CHECK(count(markdown, "://") == 0);
    }
}

TEST_CASE("the page's policy names the hashes of its style and script") {
    CHECK(policy_hash(kPageStyle) == kPageStyleHash);
    CHECK(policy_hash(kPageScript) == kPageScriptHash);
    const std::string html = to_html(document_of("name"));
    CHECK(html.find("default-src 'none'") != std::string::npos);
    for (const char* remote : {"http:", "https:", "//", "@import", "url("}) CHECK(html.find(remote) == std::string::npos);
    CHECK(html.find(" style=") == std::string::npos);  // the policy would refuse it
}

TEST_CASE("text leaves out what has to be drawn, and says everything else in the order of the document") {
    const std::string text = to_text(document_of("name"));
    CHECK(text == "name\n====\n\nname         name\n\nname\n\nname  n\n----  -\nname  1\n");
}

TEST_CASE("charts draw what is not finite over the whole width, and nothing as a line") {
    Document document("chart");
    document.chart(BarChart{"b", {{"exact", std::numeric_limits<double>::infinity(), "exact"}, {"none", 0.0, "0"}}});
    const std::string html = to_html(document);
    CHECK(html.find("width=\"390.0\"") != std::string::npos);
    CHECK(html.find("width=\"1.0\"") != std::string::npos);
    CHECK(html.find("nan") == std::string::npos);
}
