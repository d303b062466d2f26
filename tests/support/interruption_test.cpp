// A process that is ended by its time limit says what it has written: nothing that is half done, everything that is complete.
#include "support/publish.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "catch.h"
#include "support/file.h"
#include "support/process_limits.h"
#include "support/work_folder.h"

using namespace mcompress;

namespace {

namespace fs = std::filesystem;

struct Ended {
    int exit_code = -1;
    std::string errors;
};

/// Runs `work` in a process of its own that has a time limit, and waits there until it is over.
template <typename Work> Ended end_during(Work&& work) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(ends[1], STDERR_FILENO);
        ::close(ends[0]);
        const auto say = [](const std::vector<fs::path>& written) {
            std::string text = "over;";
            for (const fs::path& each : written) text += " " + each.filename().string();
            return text;
        };
        end_at_time_limit(0.3, say, 5);
        try {
            work([] { std::this_thread::sleep_for(std::chrono::seconds(20)); });
        } catch (...) {
            ::_Exit(99);
        }
        ::_Exit(98);
    }
    ::close(ends[1]);
    Ended ended;
    char buffer[256];
    for (ssize_t count = 0; (count = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        ended.errors.append(buffer, static_cast<std::size_t>(count));
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    if (WIFEXITED(status)) ended.exit_code = WEXITSTATUS(status);
    return ended;
}

struct Folder {
    fs::path path = fs::temp_directory_path() / ("mcompress-time-limit-" + std::to_string(::getpid()));
    Folder() { fs::create_directories(path); }
    ~Folder() { fs::remove_all(path); }
    std::size_t entries() const { return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator())); }
};

}  // namespace

TEST_CASE("time limit: what is half written goes, and nothing is said to be written") {
    const Folder folder;
    const Ended ended = end_during([&](const auto& wait) {
        AtomicFile file(folder.path / "out");
        file.write("half", 4);
        wait();
    });
    CHECK(ended.exit_code == 5);
    CHECK(ended.errors == "over;");
    CHECK(folder.entries() == 0);
}

TEST_CASE("time limit: what was complete by then stays, and is named once") {
    const Folder folder;
    const Ended ended = end_during([&](const auto& wait) {
        write_file_atomically(folder.path / "out", "first");
        write_file_atomically(folder.path / "out", "whole");
        AtomicFile report(folder.path / "report");
        wait();
    });
    CHECK(ended.exit_code == 5);
    CHECK(ended.errors == "over; out");
    CHECK(folder.entries() == 1);
    std::ifstream out(folder.path / "out");
    CHECK(std::string(std::istreambuf_iterator<char>(out), {}) == "whole");
}

TEST_CASE("time limit: steps in a work folder do not count until they are published") {
    const Folder folder;
    const auto run = [&](const auto& wait, int published) {
        const WorkFolder work(folder.path / "model");
        const fs::path step = work.make_subfolder("1");
        write_file_atomically(step / "model", "result");
        if (published > 0) work.publish(step, folder.path / "model");
        wait();
    };
    CHECK(end_during([&](const auto& wait) { run(wait, 0); }).errors == "over;");
    CHECK(folder.entries() == 0);
    CHECK(end_during([&](const auto& wait) { run(wait, 1); }).errors == "over; model");
    CHECK(folder.entries() == 1);
}
