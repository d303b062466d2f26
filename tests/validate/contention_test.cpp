#include "validate/contention.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "catch.h"

using namespace mcompress;

TEST_CASE("a process that keeps a processor busy is noticed") {
    const ContentionProbe probe;
    const pid_t child = ::fork();
    if (child == 0)
        for (volatile unsigned spin = 0;;) spin = spin + 1;
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
    const Contention contention = probe.since();
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    REQUIRE(contention.is_measurable);
    CHECK(contention.others > 0.25);
    CHECK(contention.is_contended());
}

TEST_CASE("contention is judged by its limits") {
    CHECK_FALSE(Contention{}.is_contended());
    CHECK_FALSE(Contention{.others = 0.2, .waiting = 0.01}.is_contended());
    CHECK(Contention{.others = 0.3}.is_contended());
    CHECK(Contention{.waiting = 0.05}.is_contended());
}
