#include "report_options.h"

#include <array>
#include <cstdio>
#include <filesystem>

#include "support/error.h"
#include "support/file.h"
#include "support/log.h"

namespace mcompress {

namespace {

struct FormatRow {
    const char* name;
    const char* extension;
    bool on_screen;  // html is for files only
    std::string (*render)(const CommandResult&);
};

constexpr std::array<FormatRow, 4> kFormats{{
    {"human", ".txt", true, [](const CommandResult& result) { return to_text(result.document); }},
    {"json", ".json", true, [](const CommandResult& result) { return result.json; }},
    {"markdown", ".md", true, [](const CommandResult& result) { return to_markdown(result.document); }},
    {"html", ".html", false, [](const CommandResult& result) { return to_html(result.document); }},
}};

const FormatRow* format_of_file(const std::string& file) {
    const std::string extension = std::filesystem::path(file).extension().string();
    for (const FormatRow& row : kFormats)
        if (extension == row.extension) return &row;
    return nullptr;
}

/// A full disk behind standard output must not pass for success.
void write_stdout(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
        throw Error(codes::kFileUnwritable, "standard output cannot be written", "is the disk full, or the reader gone?");
}

std::string check_report_file(const std::string& file) {
    if (format_of_file(file)) return {};
    std::string known;
    for (const FormatRow& row : kFormats) known += (known.empty() ? "" : ", ") + std::string(row.extension);
    return format("'{}': a report's name ends in one of {}", file, known);
}

}  // namespace

void add_report_flags(CLI::App& app, ReportFlags& flags) {
    std::vector<std::string> names;
    for (const FormatRow& row : kFormats)
        if (row.on_screen) names.emplace_back(row.name);
    app.add_option("--format", flags.format, "What standard output gets")->check(CLI::IsMember(names))->capture_default_str();
    app.add_flag("--json", flags.json, "As --format json")->excludes(app.get_option("--format"));
    app.add_option("--report", flags.files, "Also write the result to a file: .html (one page, offline), .json, .md, .txt; may be repeated")
        ->check(CLI::Validator(check_report_file, "FILE", "report"))
        ->allow_extra_args(false);
}

void put_result(CommandResult result, const ReportFlags& flags, const GlobalOptions& global) {
    for (const std::string& file : flags.files) {
        write_file_atomically(file, format_of_file(file)->render(result));
        log_info("wrote {}", file);
    }
    if (global.sink) return global.sink(std::move(result));
    for (const FormatRow& row : kFormats) {
        if (row.name != (flags.json ? "json" : flags.format)) continue;
        write_stdout(row.render(result));
    }
}

}  // namespace mcompress
