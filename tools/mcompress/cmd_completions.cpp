// mcompress completions bash|zsh|fish
#include <memory>

#include "command.h"
#include "report_options.h"
#include "shell_completions.h"

namespace mcompress {

CommandRun configure_completions(CLI::App& app, const GlobalOptions&) {
    auto shell = std::make_shared<std::string>();
    std::vector<std::string> names;
    for (const ShellRow& row : all_shells()) names.emplace_back(row.name);
    app.add_option("shell", *shell, "The shell to write a script for")->required()->check(CLI::IsMember(names));
    return [shell, &app] {
        for (const ShellRow& row : all_shells())
            if (*shell == row.name) write_stdout(row.write(option_table(app)));
        return 0;
    };
}

}  // namespace mcompress
