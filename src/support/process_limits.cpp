#include "support/process_limits.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/interruption.h"

namespace mcompress {

namespace {

// A limit of the process is a property of the process.
struct State {
    ProcessLimits limits;
    rlimit before{RLIM_INFINITY, RLIM_INFINITY};
    bool is_set = false;
};

State& state() {
    static State only;
    return only;
}

// A sanitizer maps terabytes for itself, which the system counts.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSystemLimits = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool kSystemLimits = false;
#else
constexpr bool kSystemLimits = true;
#endif
#else
constexpr bool kSystemLimits = true;
#endif

/// The number in a file of the control group system; "max" and what is not there is no limit.
std::uint64_t number_in(const std::filesystem::path& file) {
    std::uint64_t value = 0;
    return std::ifstream(file) >> value ? value : UINT64_MAX;
}

/// The least limit from the process's own group up to the root.
std::uint64_t control_group_limit() {
    std::uint64_t least = std::min(number_in("/sys/fs/cgroup/memory.max"), number_in("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
    std::ifstream groups("/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
        if (!line.starts_with("0::/")) continue;
        for (std::filesystem::path group = line.substr(4); !group.empty(); group = group.parent_path())
            least = std::min(least, number_in(std::filesystem::path("/sys/fs/cgroup") / group / "memory.max"));
    }
    return least;
}

}  // namespace

std::uint64_t default_memory_limit() {
    const auto pages = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
    const auto page = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PAGESIZE)));
    return std::min(pages * page, control_group_limit()) / 5 * 4;
}

void set_process_limits(const ProcessLimits& limits) {
    state().limits = limits;
    if (!kSystemLimits || limits.memory >= RLIM_INFINITY || ::getrlimit(RLIMIT_DATA, &state().before) != 0) return;
    rlimit wanted = state().before;
    wanted.rlim_cur = std::min<rlim_t>(wanted.rlim_cur, limits.memory);
    state().is_set = ::setrlimit(RLIMIT_DATA, &wanted) == 0;
}

const ProcessLimits& process_limits() { return state().limits; }

void restore_process_limits() {
    if (state().is_set) ::setrlimit(RLIMIT_DATA, &state().before);
}

void end_at_time_limit(double seconds, SayWritten say, int exit_code) {
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds));
    std::thread([end, exit_code, say = std::move(say)] {
        std::this_thread::sleep_until(end);
        end_unfinished(say, exit_code);
    }).detach();
}

}  // namespace mcompress
