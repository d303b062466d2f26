// Where a command's result goes: to standard output in a form of the user's choice, and into report files.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "command.h"
#include "report/describe.h"
#include "report/json.h"

namespace mcompress {

struct ReportFlags {
    std::string format = "human";
    bool json = false;
    std::vector<std::string> files;
};

/// Commands with gates also write what pipelines read of them.
enum class ReportKind { Plain, Judged };

/// Declares --format, --json and --report.
void add_report_flags(CLI::App& app, ReportFlags& flags, ReportKind kind = ReportKind::Plain);

/// Throws kFileUnwritable: a full disk behind standard output must not pass for success.
void write_stdout(const std::string& text);

/// Prints a result and writes its report files; a recipe's step hands it to the recipe instead.
void put_result(CommandResult result, const ReportFlags& flags, const GlobalOptions& global);

/// The same of a report that has describe() and to_json().
template <typename Report> void put_report(const Report& report, const ReportFlags& flags, const GlobalOptions& global) {
    CommandResult result{describe(report), to_json(report)};
    if constexpr (requires { judgement_of(report); }) result.judgement = judgement_of(report);
    put_result(std::move(result), flags, global);
}

}  // namespace mcompress
