// Completions and manual pages against the help texts: every command and every option is in each of them.
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "catch.h"
#include "tools/command_line.h"

using namespace mcompress::testing;

namespace {

struct Outcome {
    int exit_code = -1;
    std::string output;  // and errors
};

Outcome run_shell(const std::string& command) {
    Outcome outcome;
    std::FILE* pipe = ::popen(("{ " + command + "; } 2>&1").c_str(), "r");
    REQUIRE(pipe);
    char buffer[4096];
    for (std::size_t read; (read = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) outcome.output.append(buffer, read);
    const int status = ::pclose(pipe);
    outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return outcome;
}

bool is_installed(const std::string& program) { return run_shell("command -v " + program).exit_code == 0; }

/// The flags at the beginning of the lines of a help text: "  -o,--output TEXT" gives both.
std::set<std::string> flags_of(const std::string& command) {
    std::istringstream help(run_mcompress(command + " --help").output);
    std::set<std::string> flags;
    const std::regex flag("--?[A-Za-z][a-z0-9-]*");
    for (std::string line; std::getline(help, line);) {
        if (!line.starts_with("  -")) continue;
        const std::string names = line.substr(2, line.find(' ', 2) - 2);
        for (std::sregex_iterator at(names.begin(), names.end(), flag), end; at != end; ++at) flags.insert(at->str());
    }
    return flags;
}

std::vector<std::string> commands() {
    std::istringstream help(run_mcompress("--help").output);
    std::vector<std::string> names;
    bool inside = false;
    for (std::string line; std::getline(help, line);) {
        if (inside && line.size() > 2 && line[2] != ' ') names.push_back(line.substr(2, line.find(' ', 2) - 2));
        if (line.starts_with("Subcommands:")) inside = true;
    }
    return names;
}

/// What bash would offer for these words, the last of which is being typed.
std::set<std::string> completions(const std::string& script, const std::vector<std::string>& words) {
    std::string line = "COMP_WORDS=(";
    for (const std::string& word : words) line += "'" + word + "' ";
    line += "); COMP_CWORD=" + std::to_string(words.size() - 1) + "; _mcompress; printf '%s\\n' \"${COMPREPLY[@]}\"";
    std::ofstream(script + ".test") << "set -u\n. " << script << "\n" << line << "\n";
    const Outcome outcome = run_shell("bash --norc " + script + ".test");
    INFO(outcome.output);
    CHECK(outcome.exit_code == 0);
    std::istringstream lines(outcome.output);
    std::set<std::string> offered;
    for (std::string each; std::getline(lines, each);)
        if (!each.empty()) offered.insert(each);
    return offered;
}

}  // namespace

TEST_CASE("help names the commands") { CHECK(commands().size() >= 20); }

TEST_CASE("bash offers every command, option and choice, and nothing else") {
    const ScratchFolder scratch("completions");
    const std::string script = scratch / "mcompress.bash";
    std::ofstream(script) << run_mcompress("completions bash").output;
    const Outcome syntax = run_shell("bash -n " + script);
    INFO(syntax.output);
    REQUIRE(syntax.exit_code == 0);
    const std::vector<std::string> names = commands();
    CHECK(completions(script, {"mcompress", ""}) == std::set<std::string>(names.begin(), names.end()));
    CHECK(completions(script, {"mcompress", "qu"}) == std::set<std::string>{"quantize"});
    CHECK(completions(script, {"mcompress", "-"}) == flags_of(""));
    for (const std::string& name : names) {
        INFO(name);
        std::set<std::string> expected = flags_of(name);
        for (const std::string& everywhere : flags_of(""))
            if (everywhere != "--version") expected.insert(everywhere);
        CHECK(completions(script, {"mcompress", name, "-"}) == expected);
    }
    CHECK(completions(script, {"mcompress", "quantize", "m.onnx", "--effort", ""}) == std::set<std::string>{"fast", "balanced", "max"});
    CHECK(completions(script, {"mcompress", "-q", "convert", "--to", "f"}) == std::set<std::string>{"fp16", "fp32"});
    CHECK(completions(script, {"mcompress", "convert", "--to", "=", "b"}) == std::set<std::string>{"bf16"});
    CHECK(completions(script, {"mcompress", "convert", "--to", "="}) == std::set<std::string>{"bf16", "fp16", "fp32"});
    CHECK(completions(script, {"mcompress", "completions", ""}) == std::set<std::string>{"bash", "fish", "zsh"});
    CHECK(completions(script, {"mcompress", "quantize", "--limit", ""}).empty());
    CHECK(completions(script, {"mcompress", "quantize", scratch / "mcompress.b"}).contains(script));
    CHECK(completions(script, {"mcompress", "quantize", "--data", scratch / "mcompress.b"}).contains(script));
}

TEST_CASE("scripts for zsh and fish name every option") {
    const ScratchFolder scratch("completions-others");
    for (const std::string shell : {"zsh", "fish"}) {
        const std::string text = run_mcompress("completions " + shell).output;
        for (const std::string& name : commands())
            for (const std::string& flag : flags_of(name)) {
                INFO(shell << " " << name << " " << flag);
                const std::string fish = flag.starts_with("--") ? " -l " + flag.substr(2) + " " : " -s " + flag.substr(1) + " ";
                CHECK(text.find(shell == "zsh" ? "'*" + flag : fish) != std::string::npos);
            }
        if (!is_installed(shell)) {
            WARN(shell << " is not installed: the syntax of its script is not checked");
            continue;
        }
        std::ofstream(scratch / shell) << text;
        const Outcome syntax = run_shell(shell + " -n " + (scratch / shell));
        INFO(syntax.output);
        CHECK(syntax.exit_code == 0);
        CHECK(syntax.output.empty());
    }
    CHECK(run_mcompress("completions tcsh").exit_code == 2);
}

TEST_CASE("manual pages have every option") {
    const ScratchFolder scratch("man");
    REQUIRE(run_mcompress("man --folder " + (scratch / "man1")).exit_code == 0);
    std::vector<std::string> names = commands();
    const std::string program = read_text(scratch / "man1/mcompress.1");
    for (const std::string& name : names)
        CHECK(program.find("\n.TP\n\\fB" + std::regex_replace(name, std::regex("-"), "\\-") + "\\fR\n") != std::string::npos);
    names.emplace_back();
    const bool has_man = is_installed("man") && is_installed("groff");
    if (!has_man) WARN("man or groff is not installed: what they say of the pages is not checked");
    for (const std::string& name : names) {
        const std::string page = scratch / ("man1/mcompress" + (name.empty() ? "" : "-" + name) + ".1");
        const std::string text = read_text(page);
        CHECK(text == run_mcompress("man " + name).output);
        for (const std::string& flag : flags_of(name)) {
            INFO(name << " " << flag);
            CHECK(text.find("\\fB" + std::regex_replace(flag, std::regex("-"), "\\-") + "\\fR") != std::string::npos);
        }
        if (!has_man) continue;
        const Outcome formatted =
            run_shell("LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z " + page + " > /dev/null");
        INFO(page << ": " << formatted.output);
        CHECK(formatted.exit_code == 0);
        CHECK(formatted.output.empty());
    }
}
