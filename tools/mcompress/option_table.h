// The commands and options as plain data, read from CLI11: what completions and manual pages are made of.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace mcompress {

/// What follows an option, or stands for a positional argument.
enum class ArgumentKind { None, Choice, Number, Path };

struct OptionEntry {
    std::vector<std::string> flags;  // "-o", "--output"; of a positional argument: none
    std::string name;                // without dashes
    ArgumentKind kind = ArgumentKind::None;
    std::vector<std::string> choices;  // of kind Choice
    std::string placeholder;           // "TEXT", "UINT"; empty for a flag
    std::string default_value;         // empty: none, or not a fixed one
    std::string description;
    std::string group;  // the heading it stands below
    bool is_required = false;
};

struct CommandEntry {
    std::string name;  // empty: the program itself
    std::string summary;
    std::vector<OptionEntry> positionals;
    std::vector<OptionEntry> options;
};

/// The program first, then its commands. `app` is the program or one of its commands.
std::vector<CommandEntry> option_table(const CLI::App& app);

}  // namespace mcompress
