#include "support/subprocess.h"

#include <chrono>

#include "catch.h"

using namespace mcompress;

namespace {

SubprocessResult shell(const std::string& script, double seconds = 30.0) { return run_subprocess({"/bin/sh", "-c", script}, seconds); }

}  // namespace

TEST_CASE("a program's output and exit code") {
    const SubprocessResult result = shell("echo one; echo two; exit 3");
    CHECK(result.output == "one\ntwo\n");
    CHECK(result.exit_code == 3);
    CHECK(result.signal == 0);
    CHECK_FALSE(result.timed_out);
    CHECK(run_subprocess({"/no/such/program"}, 5.0).exit_code == 127);
    CHECK(shell("kill -9 $$").signal == 9);
    CHECK(shell("cat").output.empty());  // nothing to read
}

TEST_CASE("long output keeps its end") {
    const SubprocessResult result = shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done");
    CHECK(result.output.size() <= 65536);
    CHECK(result.output.ends_with("line 19999\n"));
}

TEST_CASE("what takes too long is ended with all it started") {
    const auto begin = std::chrono::steady_clock::now();
    CHECK(shell("sleep 60 & sleep 60", 0.3).timed_out);
    CHECK(shell("exec >&-; sleep 60", 0.3).timed_out);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
}
