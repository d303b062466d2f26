// What no report may take for anything but text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mcompress::testing {

// 40 names that have broken formats: control sequences, markup, links, table cells, workflow commands, formulas, file names, invalid UTF-8.
inline const std::vector<std::string> kHostile = {"\x1b[31mred",
                                                  "\x1b]0;title\x07",
                                                  "a\nb",
                                                  "a\r\nb",
                                                  "\r::error::x",
                                                  "a\tb",
                                                  std::string("a\0b", 3),
                                                  "\x7f",
                                                  "<script>alert(1)</script>",
                                                  "</script><script>alert(1)</script>",
                                                  "<img src=x onerror=alert(1)>",
                                                  "\" onmouseover=\"alert(1)",
                                                  "' onmouseover='alert(1)",
                                                  "</title><h1>x",
                                                  "<!--",
                                                  "-->",
                                                  "]]>",
                                                  "&lt;b&gt;",
                                                  "</style><style>*{}",
                                                  "javascript:alert(1)",
                                                  "http://example.com/",
                                                  "https://example.com/<x>",
                                                  "::error file=a::b",
                                                  "::set-output name=a::b",
                                                  "%0A::error::x",
                                                  "##[command]x",
                                                  "| a | b |",
                                                  "|---|",
                                                  "# heading",
                                                  "- item",
                                                  "1. item",
                                                  "> quote",
                                                  "```\ncode",
                                                  "`code`",
                                                  "**bold** _it_",
                                                  "[x](http://a)",
                                                  "![x](http://a)",
                                                  "=cmd|' /C calc'!A0",
                                                  "../../etc/passwd",
                                                  "\xff\xfe\xc3("};

inline std::size_t count(std::string_view text, std::string_view part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++found;
    return found;
}

inline bool has_control_characters(const std::string& text) {
    for (const char c : text)
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7F) return true;
    return false;
}

}  // namespace mcompress::testing
