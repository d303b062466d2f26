// mcompress: the command line. Reads as the algorithm: declare, parse, run, and turn any Error into its exit code.
#include "command.h"
#include "dry_run.h"
#include "limit_options.h"
#include "option_range.h"
#include "report_error.h"
#include "run_recipe.h"
#include "stamp_options.h"
#include "support/error.h"
#include "support/interruption.h"
#include "support/log.h"
#include "support/mapped_files.h"

using namespace mcompress;

namespace {

int run(int argc, char** argv) {
    CLI::App app{"mcompress " MCOMPRESS_VERSION ": make ONNX models small and fast, and prove that they are still right.\n"
                 "No network, no telemetry. Results go to standard output, progress and warnings to standard error.",
                 "mcompress"};
    app.set_version_flag("--version", "mcompress " MCOMPRESS_VERSION);
    app.require_subcommand(1);
    app.fallthrough();
    GlobalOptions global;
    app.add_option("--threads", global.threads, "Threads to use (default: all processors); changes speed, never results")
        ->check(in_range(1, 1024));
    app.add_flag("-q,--quiet", global.quiet, "No progress, no warnings");
    app.add_flag("-v,--verbose", global.verbose, "More detail on standard error");
    LimitFlags limits;
    add_limit_flags(app, limits);
    CommandRun chosen;
    for (const CommandRow& row : all_commands()) {
        CLI::App* sub = app.add_subcommand(row.name, row.summary);
        CommandRun command = row.configure(*sub, global);
        if (row.role == CommandRole::RewritesModel)
            command = with_in_place(*sub, with_stamp(*sub, with_save_recipe(*sub, std::move(command)), global), global);
        if (row.dry_run == DryRun::Yes) command = with_dry_run(*sub, std::move(command), global);
        sub->callback([&chosen, command = naming_model(*sub, std::move(command))] { chosen = command; });
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : static_cast<int>(ErrorKind::Usage);
    }
    set_log_level(global.quiet ? LogLevel::Error : global.verbose ? LogLevel::Debug : LogLevel::Info);
    apply_limits(limits);
    return chosen();
}

}  // namespace

int main(int argc, char** argv) {
    return reporting_errors([&] {
        end_cleanly_without_memory(report_exhausted_memory);
        end_cleanly_on_signals();
        end_cleanly_on_lost_files(text_of);
        return run(argc, argv);
    });
}
