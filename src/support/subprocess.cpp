#include "support/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>

#include "support/error.h"
#include "support/interruption.h"
#include "support/process_limits.h"

namespace mcompress {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kKeptOutput = std::size_t{64} << 10;
constexpr int kCannotStart = 127;

[[noreturn]] void become(std::vector<char*>& arguments, int out) {
    ::setpgid(0, 0);
    restore_signals();
    restore_process_limits();
    const int empty = ::open("/dev/null", O_RDONLY);
    if (empty < 0 || ::dup2(empty, STDIN_FILENO) < 0 || ::dup2(out, STDOUT_FILENO) < 0) ::_exit(kCannotStart);
    ::execv(arguments[0], arguments.data());
    ::_exit(kCannotStart);
}

/// Reads until the end of the output or of the time; false at the end of the time.
bool read_all(int in, Clock::time_point deadline, std::string& output) {
    char buffer[4096];
    while (true) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) return false;
        pollfd waiting{in, POLLIN, 0};
        const int ready = ::poll(&waiting, 1, static_cast<int>(std::min<long long>(left, 1000)));
        if (ready < 0 && errno != EINTR) return true;
        if (ready <= 0) continue;
        const ssize_t count = ::read(in, buffer, sizeof buffer);
        if (count == 0 || (count < 0 && errno != EINTR)) return true;
        if (count < 0) continue;
        output.append(buffer, static_cast<std::size_t>(count));
        if (output.size() > 2 * kKeptOutput) output.erase(0, output.size() - kKeptOutput);
    }
}

/// A program may close its output and go on. Returns false at the end of the time.
bool wait_for(pid_t child, Clock::time_point deadline, int& status) {
    while (true) {
        const pid_t ended = ::waitpid(child, &status, WNOHANG);
        if (ended == child || (ended < 0 && errno != EINTR)) return true;
        if (Clock::now() >= deadline) return false;
        ::usleep(5000);
    }
}

}  // namespace

SubprocessResult run_subprocess(const std::vector<std::string>& arguments, double max_seconds) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw Error(codes::kOutOfMemory, "no pipe can be made", "close other programs");
    std::vector<char*> pointers;
    for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    const auto deadline =
        Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::min(max_seconds, 1e8)));
    const pid_t child = ::fork();
    if (child == 0) become(pointers, ends[1]);
    ::close(ends[1]);
    if (child < 0) {
        ::close(ends[0]);
        throw Error(codes::kOutOfMemory, format("{} cannot be started", arguments.front()), "free memory or processes");
    }
    SubprocessResult result;
    int status = 0;
    result.timed_out = !read_all(ends[0], deadline, result.output) || !wait_for(child, deadline, status);
    if (result.timed_out) {
        ::kill(-child, SIGKILL);
        ::waitpid(child, &status, 0);
    }
    ::close(ends[0]);
    if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
    if (result.output.size() > kKeptOutput) result.output.erase(0, result.output.size() - kKeptOutput);
    return result;
}

}  // namespace mcompress
