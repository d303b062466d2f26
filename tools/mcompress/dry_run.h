// The option --dry-run: the command is rehearsed without writing anything, and what the run itself would write and take is said.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "command.h"
#include "data_options.h"
#include "onnx/planned_files.h"
#include "output_path.h"
#include "pipeline/compress.h"
#include "pipeline/convert_float_model.h"
#include "pipeline/prune_model.h"
#include "support/error.h"

namespace mcompress {

/// What a rehearsal found out, and what the run itself does besides.
struct Rehearsal {
    PlannedFiles planned;
    std::shared_ptr<const Dataset> few;  // samples it looks at
    std::size_t samples = 0;             // the run looks at
    std::uint64_t more_memory = 0;       // bytes, besides what the rehearsal takes at most
    std::uint64_t later_memory =
        0;  // bytes of what the rehearsal leaves out, besides what it ends with: the run takes the greater of the two
    double more_seconds = 0.0;
    std::vector<Error> problems;
    std::vector<std::string> notes;
};

/// Declares --dry-run. Everything that would end the run, as far as it can be known, is a problem of the report; the exit code is that of the first.
CommandRun with_dry_run(CLI::App& app, CommandRun command, GlobalOptions& global);

/// Where nothing is to be written: what takes the files that would be. Null when it is no dry run.
PlannedFiles* planned_files(const GlobalOptions& global);

/// Declares --in-place on a command that turns one model into another.
CommandRun with_in_place(CLI::App& app, CommandRun command, GlobalOptions& global);

/// As choose_output() of output_path.h, but that nothing except --in-place lets the input be written over, --force neither. In a dry run, what it throws and a folder that cannot be written to are noted, and it goes on.
std::filesystem::path choose_output(const std::filesystem::path& asked, const std::filesystem::path& input, std::string_view suffix,
                                    Overwrite overwrite, const GlobalOptions& global);

/// In a dry run: makes of a request one that writes nothing and leaves out what takes long and does not change the size: most samples, fitting, searching. What that
/// takes is foreseen. Nothing otherwise.
void rehearse(QuantizeRequest& request, const GlobalOptions& global);
void rehearse(PruneRequest& request, const GlobalOptions& global);
void rehearse(FloatConvertRequest& request, const GlobalOptions& global);

}  // namespace mcompress
