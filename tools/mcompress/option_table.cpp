#include "option_table.h"

#include <algorithm>

namespace mcompress {

namespace {

/// "{a,b}" at the end of a type's name.
std::vector<std::string> choices_of(const std::string& type) {
    const std::size_t begin = type.find('{'), end = type.rfind('}');
    if (begin == std::string::npos || end == std::string::npos || end < begin) return {};
    std::vector<std::string> choices;
    for (std::size_t at = begin + 1; at < end;) {
        const std::size_t comma = std::min(type.find(',', at), end);
        choices.push_back(type.substr(at, comma - at));
        at = comma + 1;
    }
    return choices;
}

OptionEntry entry_of(const CLI::Option& option) {
    OptionEntry entry;
    for (const std::string& name : option.get_snames()) entry.flags.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) entry.flags.push_back("--" + name);
    entry.name = option.get_single_name();
    entry.description = option.get_description();
    entry.group = option.get_group();
    entry.is_required = option.get_required();
    if (option.get_expected_max() == 0) return entry;
    const std::string type = option.get_type_name();
    entry.placeholder = type.substr(0, type.find(':'));
    entry.default_value = option.get_default_str();
    entry.choices = choices_of(type);
    const bool is_number = entry.placeholder == "INT" || entry.placeholder == "UINT" || entry.placeholder == "FLOAT";
    entry.kind = !entry.choices.empty() ? ArgumentKind::Choice : is_number ? ArgumentKind::Number : ArgumentKind::Path;
    return entry;
}

CommandEntry entry_of(const CLI::App& app, std::string name) {
    CommandEntry entry{.name = std::move(name), .summary = app.get_description(), .positionals = {}, .options = {}};
    for (const CLI::Option* option : app.get_options())
        (option->nonpositional() ? entry.options : entry.positionals).push_back(entry_of(*option));
    return entry;
}

}  // namespace

std::vector<CommandEntry> option_table(const CLI::App& app) {
    const CLI::App* program = &app;
    while (program->get_parent()) program = program->get_parent();
    std::vector<CommandEntry> table{entry_of(*program, "")};
    for (const CLI::App* command : program->get_subcommands([](const CLI::App*) { return true; }))
        table.push_back(entry_of(*command, command->get_name()));
    return table;
}

}  // namespace mcompress
