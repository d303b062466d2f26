#include "shell_completions.h"

#include <array>

#include "support/format.h"

namespace mcompress {

namespace {

using Table = std::span<const CommandEntry>;

constexpr const char* kMadeBy = "# Made by `mcompress completions {}` of the options that the program has.\n";

std::string joined(const std::vector<std::string>& words, std::string_view separator) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : std::string(separator)) + word;
    return text;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
        text.replace(at, what.size(), with);
    return text;
}

std::vector<std::string> names_of_commands(Table table) {
    std::vector<std::string> names;
    for (const CommandEntry& command : table.subspan(1)) names.push_back(command.name);
    return names;
}

/// Options of a command, the program's own included: they may stand behind it too.
std::vector<const OptionEntry*> options_for(Table table, const CommandEntry& command) {
    std::vector<const OptionEntry*> options;
    for (const OptionEntry& option : command.options) options.push_back(&option);
    if (!command.name.empty())
        for (const OptionEntry& option : table.front().options)
            if (option.name != "help" && option.name != "version") options.push_back(&option);
    return options;
}

// bash

/// One branch of `case "$previous"`: what may follow these flags.
std::string bash_values(const OptionEntry& option) {
    if (option.kind == ArgumentKind::None || option.kind == ArgumentKind::Path) return {};
    const std::string words =
        option.kind == ArgumentKind::Choice ? format("COMPREPLY=($(compgen -W '{}' -- \"$current\")); ", joined(option.choices, " ")) : "";
    return format("                {}) {}return ;;\n", joined(option.flags, " | "), words);
}

std::string bash_command(Table table, const CommandEntry& command) {
    std::vector<std::string> flags;
    std::string values, paths;
    for (const OptionEntry* option : options_for(table, command)) {
        flags.insert(flags.end(), option->flags.begin(), option->flags.end());
        values += bash_values(*option);
        if (option->kind == ArgumentKind::Path) paths += (paths.empty() ? "" : " | ") + joined(option->flags, " | ");
    }
    if (!paths.empty()) values += format("                {}) COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n", paths);
    std::string words;
    for (const OptionEntry& positional : command.positionals) words += (words.empty() ? "" : " ") + joined(positional.choices, " ");
    return format("        {})\n            options='{}'\n            words='{}'\n            case $previous in\n{}            esac\n      "
                  "      ;;\n",
                  command.name.empty() ? "''" : command.name, joined(flags, " "),
                  command.name.empty() ? joined(names_of_commands(table), " ") : words, values);
}

std::string bash_script(Table table) {
    std::string text = format(kMadeBy, "bash") + R"(_mcompress() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' options='' words='' at
    COMPREPLY=()
    # bash splits --option=value into three words.
    if [ "$current" = '=' ]; then
        current=''
    elif [ "$previous" = '=' ]; then
        previous=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for ((at = 1; at < COMP_CWORD; ++at)); do
        case ${COMP_WORDS[at]} in
)";
    text += format("            {}) command=${{COMP_WORDS[at]}}; break ;;\n", joined(names_of_commands(table), " | "));
    text += R"(        esac
    done
    case $command in
)";
    for (const CommandEntry& command : table) text += bash_command(table, command);
    return text + R"(    esac
    if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$current"))
    elif [ -n "$words" ]; then
        COMPREPLY=($(compgen -W "$words" -- "$current"))
    else
        COMPREPLY=($(compgen -f -- "$current"))
    fi
}
complete -o filenames -F _mcompress mcompress
)";
}

// zsh

/// Inside '…', where [ ] : have a meaning for _arguments.
std::string zsh_text(std::string text) {
    for (const char* special : {"\\", "[", "]", ":"}) text = replaced(std::move(text), special, std::string("\\") + special);
    return replaced(std::move(text), "'", "'\\''");
}

std::string zsh_values(const OptionEntry& option) {
    if (option.kind == ArgumentKind::None) return {};
    const std::string action = option.kind == ArgumentKind::Choice   ? "(" + joined(option.choices, " ") + ")"
                               : option.kind == ArgumentKind::Number ? ""
                                                                     : "_files";
    return format(":{}:{}", zsh_text(option.name), action);
}

std::string zsh_arguments(Table table, const CommandEntry& command) {
    std::string text;
    for (const OptionEntry* option : options_for(table, command))
        for (const std::string& flag : option->flags) {
            const bool takes_value = option->kind != ArgumentKind::None;
            text += format(" \\\n                '*{}{}[{}]{}'", flag, takes_value && flag.starts_with("--") ? "=" : "",
                           zsh_text(option->description), zsh_values(*option));
        }
    return text;
}

std::string zsh_script(Table table) {
    std::string text = "#compdef mcompress\n" + format(kMadeBy, "zsh") + "_mcompress() {\n    local state line\n    local -a commands=(\n";
    for (const CommandEntry& command : table.subspan(1)) text += format("        '{}:{}'\n", command.name, zsh_text(command.summary));
    text += "    )\n    _arguments -C -S" + zsh_arguments(table, table.front());
    text += " \\\n                '1:command:->command' \\\n                '*::argument:->argument'\n";
    text += "    case $state in\n    command) _describe command commands ;;\n    argument)\n        case $line[1] in\n";
    for (const CommandEntry& command : table.subspan(1)) {
        text += format("        {})\n            _arguments -S{}", command.name, zsh_arguments(table, command));
        for (const OptionEntry& positional : command.positionals)
            text += format(" \\\n                '*:{}:{}'", zsh_text(positional.name),
                           positional.choices.empty() ? "_files" : "(" + joined(positional.choices, " ") + ")");
        text += "\n            ;;\n";
    }
    return text + "        esac\n        ;;\n    esac\n}\n_mcompress \"$@\"\n";
}

// fish

std::string fish_text(std::string text) { return "'" + replaced(replaced(std::move(text), "\\", "\\\\"), "'", "\\'") + "'"; }

std::string fish_option(const std::string& condition, const OptionEntry& option) {
    std::string text = "complete -c mcompress -n " + condition;
    for (const std::string& flag : option.flags) text += flag.starts_with("--") ? " -l " + flag.substr(2) : " -s " + flag.substr(1);
    if (option.kind == ArgumentKind::Choice) text += " -x -a " + fish_text(joined(option.choices, " "));
    if (option.kind == ArgumentKind::Number) text += " -x";
    if (option.kind == ArgumentKind::Path) text += " -r -F";
    return text + " -d " + fish_text(option.description) + "\n";
}

std::string fish_script(Table table) {
    const std::string none = "__fish_use_subcommand";
    std::string text = format(kMadeBy, "fish") + "complete -c mcompress -n " + none + " -f\n";
    for (const CommandEntry& command : table.subspan(1))
        text += format("complete -c mcompress -n {} -a {} -d {}\n", none, command.name, fish_text(command.summary));
    for (const OptionEntry& option : table.front().options) text += fish_option(none, option);
    for (const CommandEntry& command : table.subspan(1)) {
        const std::string condition = "'__fish_seen_subcommand_from " + command.name + "'";
        for (const OptionEntry* option : options_for(table, command)) text += fish_option(condition, *option);
        for (const OptionEntry& positional : command.positionals)
            if (!positional.choices.empty())
                text += format("complete -c mcompress -n {} -f -a {}\n", condition, fish_text(joined(positional.choices, " ")));
    }
    return text;
}

constexpr std::array<ShellRow, 3> kShells{{{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}}};

}  // namespace

std::span<const ShellRow> all_shells() { return kShells; }

}  // namespace mcompress
