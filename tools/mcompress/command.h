// The commands: a table row each. A row declares its options on a CLI11 subcommand and returns what to run when it was chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "onnx/stamp.h"
#include "report/document.h"
#include "report/judgement.h"
#include "report/report.h"

namespace mcompress {

/// Returns the exit code: 0, or 1 when a requested gate failed. Anything else is thrown as an Error.
using CommandRun = std::function<int()>;

/// What a command found, for people and for machines.
struct CommandResult {
    Document document;
    std::string json;
    std::optional<Judgement> judgement = {};  // of commands with gates
};

struct Rehearsal;  // dry_run.h

/// Options every command has.
struct GlobalOptions {
    int threads = 0;  // 0: all processors this process may use
    bool quiet = false;
    bool verbose = false;
    std::function<void(CommandResult)> sink = {};  // takes results in place of standard output
    std::shared_ptr<Stamp> stamp = {};             // to be put into models; grows with the data that is used; null: none was asked for
    bool in_place = false;                         // the output takes the input's place
    std::shared_ptr<Rehearsal> rehearsal = {};     // of a dry run: nothing is written; null: it is none
};

/// Only commands that turn one model into another can be steps of a recipe.
enum class CommandRole { Reports, RewritesModel };

/// Whether a command can say what it would do without doing it.
enum class DryRun { No, Yes };

struct CommandRow {
    const char* name;
    const char* summary;
    CommandRun (*configure)(CLI::App& app, const GlobalOptions& global);
    CommandRole role = CommandRole::Reports;
    DryRun dry_run = DryRun::No;
};

std::span<const CommandRow> all_commands();

CommandRun configure_inspect(CLI::App& app, const GlobalOptions& global);
CommandRun configure_check(CLI::App& app, const GlobalOptions& global);
CommandRun configure_diff(CLI::App& app, const GlobalOptions& global);
CommandRun configure_explain(CLI::App& app, const GlobalOptions& global);
CommandRun configure_optimize(CLI::App& app, const GlobalOptions& global);
CommandRun configure_calibrate(CLI::App& app, const GlobalOptions& global);
CommandRun configure_compact(CLI::App& app, const GlobalOptions& global);
CommandRun configure_convert(CLI::App& app, const GlobalOptions& global);
CommandRun configure_cluster(CLI::App& app, const GlobalOptions& global);
CommandRun configure_factorize(CLI::App& app, const GlobalOptions& global);
CommandRun configure_pack(CLI::App& app, const GlobalOptions& global);
CommandRun configure_unpack(CLI::App& app, const GlobalOptions& global);
CommandRun configure_quantize(CLI::App& app, const GlobalOptions& global);
CommandRun configure_prune(CLI::App& app, const GlobalOptions& global);
CommandRun configure_sensitivity(CLI::App& app, const GlobalOptions& global);
CommandRun configure_run(CLI::App& app, const GlobalOptions& global);
CommandRun configure_verify_stamp(CLI::App& app, const GlobalOptions& global);
CommandRun configure_validate(CLI::App& app, const GlobalOptions& global);
CommandRun configure_bench(CLI::App& app, const GlobalOptions& global);
CommandRun configure_completions(CLI::App& app, const GlobalOptions& global);
CommandRun configure_man(CLI::App& app, const GlobalOptions& global);
CommandRun configure_passes(CLI::App& app, const GlobalOptions& global);

/// --quant-format qdq|qoperator.
CLI::Option* add_quant_format(CLI::App& app, QuantizedForm& form);

/// The threads a command should use.
int thread_count(const GlobalOptions& global);

}  // namespace mcompress
