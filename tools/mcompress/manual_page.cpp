#include "manual_page.h"

#include <algorithm>
#include <cctype>

#include "support/format.h"

namespace mcompress {

namespace {

/// Text that nothing in is a request or an escape; hyphens stay hyphens, so that options can be copied.
std::string plain(const std::string& text) {
    std::string escaped;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\\') escaped += "\\e";
        else if (text[at] == '-') escaped += "\\-";
        else if (text[at] == '"') escaped += "\\(dq";
        else if (text[at] == '\n') escaped += "\n";
        else if (escaped.empty() && (text[at] == '.' || text[at] == '\'')) escaped += std::string("\\&") + text[at];
        else escaped += text[at];
    }
    return escaped;
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

/// "{a,b}" for a choice, else the type.
std::string argument_of(const OptionEntry& option) {
    if (option.kind != ArgumentKind::Choice) return "\\fI" + plain(option.placeholder) + "\\fR";
    std::string choices;
    for (const std::string& choice : option.choices) choices += (choices.empty() ? "" : "|") + plain(choice);
    return choices;
}

std::string paragraph_of(const OptionEntry& option) {
    std::string text = ".TP\n";
    if (option.flags.empty()) {
        text += "\\fI" + plain(option.name) + "\\fR";
    } else {
        for (std::size_t at = 0; at < option.flags.size(); ++at) text += (at > 0 ? ", \\fB" : "\\fB") + plain(option.flags[at]) + "\\fR";
        if (option.kind != ArgumentKind::None) text += " " + argument_of(option);
    }
    text += "\n" + plain(option.description);
    if (!option.default_value.empty()) text += " [" + plain(option.default_value) + "]";
    return text + "\n";
}

/// Options below the headings they stand under in --help.
std::string sections_of(const CommandEntry& command) {
    std::vector<std::string> groups;
    for (const OptionEntry& option : command.options)
        if (!option.group.empty() && std::find(groups.begin(), groups.end(), option.group) == groups.end()) groups.push_back(option.group);
    std::string text;
    for (const std::string& group : groups) {
        text += ".SH " + plain(upper(group)) + "\n";
        for (const OptionEntry& option : command.options)
            if (option.group == group) text += paragraph_of(option);
    }
    return text;
}

std::string synopsis_of(const CommandEntry& command) {
    std::string text = ".B mcompress";
    if (command.name.empty()) return text + " [\\fIOPTIONS\\fR] \\fICOMMAND\\fR ...\n";
    text += " " + plain(command.name) + "\n[\\fIOPTIONS\\fR]";
    for (const OptionEntry& each : command.positionals)
        text += each.is_required ? " \\fI" + plain(each.name) + "\\fR" : " [\\fI" + plain(each.name) + "\\fR]";
    return text + "\n";
}

constexpr const char* kExitStatus = R"(.SH EXIT STATUS
.TP
0
done
.TP
1
a gate that was asked for failed
.TP
2
the command line or a recipe is not understood
.TP
3
a model is invalid or unsupported
.TP
4
a file cannot be read or written
.TP
5
a limit of size, memory or time was reached
.TP
6
the data is unfit
.TP
70
an internal error: a bug
)";

std::string see_also(std::span<const CommandEntry> table, const CommandEntry& command) {
    std::string text = ".SH SEE ALSO\n";
    if (!command.name.empty()) return text + ".BR mcompress (1)\n";
    for (std::size_t at = 1; at < table.size(); ++at)
        text += ".BR " + plain(page_name(table[at])) + " (1)" + (at + 1 < table.size() ? ",\n" : "\n");
    return text;
}

}  // namespace

std::string page_name(const CommandEntry& command) { return command.name.empty() ? "mcompress" : "mcompress-" + command.name; }

std::string manual_page(std::span<const CommandEntry> table, const CommandEntry& command) {
    const bool is_program = command.name.empty();
    const std::string summary = is_program ? "make ONNX models small and fast, and prove that they are still right" : command.summary;
    std::string text = format(".TH {} 1 \"\" \"mcompress {}\" \"User Commands\"\n", plain(upper(page_name(command))), MCOMPRESS_VERSION);
    text += ".SH NAME\n" + plain(page_name(command)) + " \\- " + plain(summary) + "\n.SH SYNOPSIS\n" + synopsis_of(command) +
            ".SH DESCRIPTION\n" + plain(is_program ? command.summary : command.summary + ".") + "\n";
    if (is_program) {
        text += ".SH COMMANDS\n";
        for (const CommandEntry& each : table.subspan(1)) text += ".TP\n\\fB" + plain(each.name) + "\\fR\n" + plain(each.summary) + "\n";
    }
    if (!command.positionals.empty()) text += ".SH ARGUMENTS\n";
    for (const OptionEntry& each : command.positionals) text += paragraph_of(each);
    text += sections_of(command);
    if (!is_program) text += ".P\nOptions of the program, such as \\fB\\-\\-threads\\fR, are in \\fBmcompress\\fR(1).\n";
    return text + kExitStatus + see_also(table, command);
}

}  // namespace mcompress
