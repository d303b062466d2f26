#include "report/text_table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "support/format.h"

namespace mcompress {

namespace {

// Columns a terminal shows for UTF-8 text: continuation bytes take none.
std::size_t shown_width(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }));
}

}  // namespace

std::string printable(const std::string& text) {
    std::string safe = text;
    for (char& c : safe)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    return safe;
}

std::string TextTable::to_string() const {
    std::vector<std::size_t> widths;
    for (const auto& [title, align] : columns_) widths.push_back(shown_width(title));
    for (const auto& row : rows_)
        for (std::size_t at = 0; at < row.size() && at < widths.size(); ++at) widths[at] = std::max(widths[at], shown_width(row[at]));
    const auto line = [&](const std::vector<std::string>& cells) {
        std::string text;
        for (std::size_t at = 0; at < columns_.size(); ++at) {
            const std::string cell = at < cells.size() ? printable(cells[at]) : std::string();
            const std::string padding(widths[at] - std::min(widths[at], shown_width(cell)), ' ');
            if (at > 0) text += "  ";
            text += columns_[at].second == Align::Right ? padding + cell : cell + padding;
        }
        text.erase(text.find_last_not_of(' ') + 1);
        return text + "\n";
    };
    std::vector<std::string> titles;
    std::string rule;
    for (std::size_t at = 0; at < columns_.size(); ++at) {
        titles.push_back(columns_[at].first);
        rule += (at > 0 ? "  " : "") + std::string(widths[at], '-');
    }
    std::string text = line(titles) + rule + "\n";
    for (const auto& row : rows_) text += line(row);
    return text;
}

std::string with_thousands(std::int64_t value) {
    std::string digits = std::to_string(value);
    const std::size_t start = value < 0 ? 1 : 0;
    for (std::size_t at = digits.size(); at > start + 3;) digits.insert(at -= 3, ",");
    return digits;
}

std::string human_bytes(std::uint64_t bytes) {
    static constexpr std::array<const char*, 4> kUnits{"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) return format("{} B", bytes);
    double value = static_cast<double>(bytes) / 1024.0;
    std::size_t unit = 0;
    while (value >= 1024.0 && unit + 1 < kUnits.size()) {
        value /= 1024.0;
        ++unit;
    }
    return format("{:.1f} {}", value, kUnits[unit]);
}

std::string percent(double share, int decimals) { return format("{:.{}f} %", 100.0 * share, decimals); }

std::string decibels(double value) {
    if (std::isinf(value)) return value > 0 ? "exact" : "no signal";
    return format("{:.2f} dB", value);
}

}  // namespace mcompress
