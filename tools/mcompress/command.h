// The commands: a table row each. A row declares its options on a CLI11 subcommand and returns what to run when it was chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <span>
#include <string_view>

#include "report/report.h"

namespace mcompress {

/// Returns the exit code: 0, or 1 when a requested gate failed. Anything else is thrown as an Error.
using CommandRun = std::function<int()>;

/// Options every command has.
struct GlobalOptions {
    int threads = 0;  // 0: all processors this process may use
    bool quiet = false;
    bool verbose = false;
};

struct CommandRow {
    const char* name;
    const char* summary;
    CommandRun (*configure)(CLI::App& app, const GlobalOptions& global);
};

std::span<const CommandRow> all_commands();

CommandRun configure_inspect(CLI::App& app, const GlobalOptions& global);
CommandRun configure_optimize(CLI::App& app, const GlobalOptions& global);
CommandRun configure_calibrate(CLI::App& app, const GlobalOptions& global);
CommandRun configure_convert(CLI::App& app, const GlobalOptions& global);
CommandRun configure_quantize(CLI::App& app, const GlobalOptions& global);
CommandRun configure_sensitivity(CLI::App& app, const GlobalOptions& global);
CommandRun configure_run(CLI::App& app, const GlobalOptions& global);
CommandRun configure_validate(CLI::App& app, const GlobalOptions& global);
CommandRun configure_bench(CLI::App& app, const GlobalOptions& global);
CommandRun configure_passes(CLI::App& app, const GlobalOptions& global);

/// --format qdq|qoperator.
CLI::Option* add_format(CLI::App& app, QuantizedForm& form);

/// The threads a command should use.
int thread_count(const GlobalOptions& global);

}  // namespace mcompress
