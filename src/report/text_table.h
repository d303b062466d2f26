// Plain aligned tables for a terminal or a log.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mcompress {

enum class Align { Left, Right };

class TextTable {
public:
    explicit TextTable(std::vector<std::pair<std::string, Align>> columns) : columns_(std::move(columns)) {}
    /// A row may be shorter than the columns; the rest stays blank.
    void add_row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    bool empty() const { return rows_.empty(); }
    const std::vector<std::pair<std::string, Align>>& columns() const { return columns_; }
    const std::vector<std::vector<std::string>>& rows() const { return rows_; }
    /// Header, a rule, rows; two blanks between columns; control characters shown as '?'.
    std::string to_string() const;

private:
    std::vector<std::pair<std::string, Align>> columns_;
    std::vector<std::vector<std::string>> rows_;
};

/// 13966359 → "13,966,359".
std::string with_thousands(std::int64_t value);
/// 13966359 → "13.3 MiB".
std::string human_bytes(std::uint64_t bytes);
/// 0.7243 → "72.43 %".
std::string percent(double share, int decimals = 2);
/// "14.93 dB", "exact" for an infinite ratio.
std::string decibels(double value);
/// Text from a model made safe for a terminal: control characters become '?'.
std::string printable(const std::string& text);

}  // namespace mcompress
