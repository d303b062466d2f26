#include "validate/contention.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

namespace mcompress {

namespace {

double seconds(const timeval& time) { return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec); }

/// Nanoseconds that the longest waiting thread of this process stood in a run queue: the second number of /proc/…/schedstat.
double longest_wait() {
    double longest = 0.0;
    std::error_code ignored;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
        std::ifstream file(task.path() / "schedstat");
        double running = 0.0, waiting = 0.0;
        if (file >> running >> waiting) longest = std::max(longest, waiting);
    }
    return longest;
}

}  // namespace

ContentionProbe::Counters ContentionProbe::read() {
    Counters counters;
    counters.wall = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    std::ifstream file("/proc/stat");
    std::string label;
    double user = 0.0, nice = 0.0, system = 0.0, idle = 0.0, iowait = 0.0, irq = 0.0, softirq = 0.0;
    counters.known = static_cast<bool>(file >> label >> user >> nice >> system >> idle >> iowait >> irq >> softirq);
    counters.busy_all = (user + nice + system + irq + softirq) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    rusage own{};
    ::getrusage(RUSAGE_SELF, &own);
    counters.busy_own = seconds(own.ru_utime) + seconds(own.ru_stime);
    counters.waited = longest_wait() * 1e-9;
    return counters;
}

ContentionProbe::ContentionProbe() : start_(read()) {}

Contention ContentionProbe::since() const {
    const Counters now = read();
    Contention result;
    result.is_measurable = start_.known && now.known;
    const double wall = now.wall - start_.wall;
    if (!result.is_measurable || wall <= 0.0) return result;
    result.others = std::max(0.0, (now.busy_all - start_.busy_all - (now.busy_own - start_.busy_own)) / wall);
    result.waiting = std::clamp((now.waited - start_.waited) / wall, 0.0, 1.0);
    return result;
}

}  // namespace mcompress
