// mcompress man [COMMAND], and mcompress man --folder DIR
#include <filesystem>
#include <memory>

#include "command.h"
#include "manual_page.h"
#include "report_options.h"
#include "support/error.h"
#include "support/file.h"

namespace mcompress {

namespace {

void write_pages(const std::vector<CommandEntry>& table, const std::filesystem::path& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error)
        throw Error(codes::kFileUnwritable, format("{} cannot be made: {}", folder.string(), error.message()), "choose another folder");
    for (const CommandEntry& command : table) write_file_atomically(folder / (page_name(command) + ".1"), manual_page(table, command));
}

}  // namespace

CommandRun configure_man(CLI::App& app, const GlobalOptions&) {
    struct Options {
        std::string command;
        std::string folder;
    };
    auto options = std::make_shared<Options>();
    std::vector<std::string> names;
    for (const CommandRow& row : all_commands()) names.emplace_back(row.name);
    auto* command = app.add_option("command", options->command, "The command whose page to print (default: the program's)")
                        ->check(CLI::IsMember(names));
    app.add_option("--folder", options->folder, "Write the pages of all commands into this folder instead")->excludes(command);
    return [options, &app] {
        const std::vector<CommandEntry> table = option_table(app);
        if (!options->folder.empty()) write_pages(table, options->folder);
        for (const CommandEntry& entry : table)
            if (options->folder.empty() && entry.name == options->command) write_stdout(manual_page(table, entry));
        return 0;
    };
}

}  // namespace mcompress
