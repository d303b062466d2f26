#include "report_options.h"

#include <array>
#include <cstdio>
#include <filesystem>

#include "support/error.h"
#include "support/file.h"
#include "support/log.h"

namespace mcompress {

namespace {

const Judgement& judged(const CommandResult& result) {
    if (!result.judgement) throw Error(codes::kUsage, "this result has no gates to write about", "choose --format human, json or markdown");
    return *result.judgement;
}

struct FormatRow {
    const char* name;
    const char* extension;  // of report files; null for what is for the screen only
    bool on_screen;         // html is for files only
    ReportKind kind;
    std::string (*render)(const CommandResult&);
};

constexpr std::array<FormatRow, 7> kFormats{{
    {"human", ".txt", true, ReportKind::Plain, [](const CommandResult& result) { return to_text(result.document); }},
    {"json", ".json", true, ReportKind::Plain, [](const CommandResult& result) { return result.json; }},
    {"markdown", ".md", true, ReportKind::Plain, [](const CommandResult& result) { return to_markdown(result.document); }},
    {"html", ".html", false, ReportKind::Plain, [](const CommandResult& result) { return to_html(result.document); }},
    {"sarif", ".sarif", true, ReportKind::Judged, [](const CommandResult& result) { return to_sarif(judged(result)); }},
    {"junit", ".xml", true, ReportKind::Judged, [](const CommandResult& result) { return to_junit(judged(result)); }},
    {"github", nullptr, true, ReportKind::Judged, [](const CommandResult& result) { return to_github(judged(result)); }},
}};

bool is_offered(const FormatRow& row, ReportKind kind) { return row.kind == ReportKind::Plain || kind == ReportKind::Judged; }

const FormatRow* format_of_file(const std::string& file) {
    const std::string extension = std::filesystem::path(file).extension().string();
    for (const FormatRow& row : kFormats)
        if (row.extension && extension == row.extension) return &row;
    return nullptr;
}

CLI::Validator report_file(ReportKind kind) {
    return {[kind](const std::string& file) -> std::string {
                const FormatRow* const row = format_of_file(file);
                if (row && is_offered(*row, kind)) return {};
                std::string known;
                for (const FormatRow& each : kFormats)
                    if (each.extension && is_offered(each, kind)) known += (known.empty() ? "" : ", ") + std::string(each.extension);
                return format("'{}': a report's name ends in one of {}", file, known);
            },
            "FILE", "report"};
}

}  // namespace

void add_report_flags(CLI::App& app, ReportFlags& flags, ReportKind kind) {
    std::vector<std::string> names;
    for (const FormatRow& row : kFormats)
        if (row.on_screen && is_offered(row, kind)) names.emplace_back(row.name);
    app.add_option("--format", flags.format, "What standard output gets")->check(CLI::IsMember(names))->capture_default_str();
    app.add_flag("--json", flags.json, "As --format json")->excludes(app.get_option("--format"));
    app.add_option("--report", flags.files,
                   std::string("Also write the result to a file: .html (one page, offline), .json, .md, .txt") +
                       (kind == ReportKind::Judged ? ", .sarif, .xml (JUnit)" : "") + "; may be repeated")
        ->check(report_file(kind))
        ->allow_extra_args(false);
}

void write_stdout(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
        throw Error(codes::kFileUnwritable, "standard output cannot be written", "is the disk full, or the reader gone?");
}

void put_result(CommandResult result, const ReportFlags& flags, const GlobalOptions& global) {
    if (global.rehearsal) return global.sink(std::move(result));  // what it is about was not written
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
