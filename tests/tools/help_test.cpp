#include <cstdlib>
#include <fstream>
#include <string_view>

#include "catch.h"
#include "tools/command_line.h"

using namespace mcompress::testing;

// The layout is CLI11's, which changes between versions; the golden files are those of Debian 12.
constexpr std::string_view kGoldenVersion = "2.1";

// The help of every command is a golden file: MCOMPRESS_UPDATE_GOLDEN=1 rewrites them.
TEST_CASE("help texts are as reviewed") {
    for (const std::string command : {"",         "inspect",      "check",   "diff",    "optimize",    "calibrate",   "quantize",
                                      "prune",    "compact",      "convert", "cluster", "factorize",   "sensitivity", "run",
                                      "validate", "verify-stamp", "bench",   "passes",  "completions", "man",         "explain"}) {
        const CommandResult result = run_mcompress(command + " --help");
        CHECK(result.exit_code == 0);
        CHECK(result.errors.empty());
        const std::string path = std::string(MCOMPRESS_TESTS_DIR) + "/golden/cli/help" + (command.empty() ? "" : "_" + command) + ".txt";
        if (!std::string_view(MCOMPRESS_CLI11_VERSION).starts_with(kGoldenVersion)) {
            CHECK(result.output.find("--help") != std::string::npos);
            continue;
        }
        if (std::getenv("MCOMPRESS_UPDATE_GOLDEN")) std::ofstream(path) << result.output;
        CHECK(result.output == read_text(path));
    }
}

TEST_CASE("wrong usage ends in exit code 2") {
    CHECK(run_mcompress("").exit_code == 2);
    CHECK(run_mcompress("frobnicate").exit_code == 2);
    CHECK(run_mcompress("inspect").exit_code == 2);
    CHECK(run_mcompress("inspect a.onnx --no-such-option").exit_code == 2);
    CHECK(run_mcompress("--threads 0 passes").exit_code == 2);
}
