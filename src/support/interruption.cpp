#include "support/interruption.h"

#include <pthread.h>

#include <array>
#include <chrono>
#include <csignal>
#include <mutex>
#include <set>
#include <thread>

namespace mcompress {

namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};

// What a signal does is a property of the process, so what it has to know is one too: the one mutable global there is.
struct Registry {
    std::timed_mutex mutex;
    std::multiset<std::filesystem::path> paths;
};

Registry& registry() {
    static auto* const only = new Registry;  // outlives every object: threads may end after main
    return *only;
}

sigset_t handled_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : kSignals) {
        struct sigaction now {};
        if (::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) continue;
        sigaddset(&set, signal);
    }
    return set;
}

[[noreturn]] void end_by(int signal) {
    {
        // Whoever holds the lock does so for an insertion: if it takes longer, something is broken and ending matters more.
        const std::unique_lock lock(registry().mutex, std::chrono::seconds(1));
        std::error_code ignored;
        if (lock.owns_lock())
            for (const std::filesystem::path& path : registry().paths) std::filesystem::remove_all(path, ignored);
        ::signal(signal, SIG_DFL);
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, signal);
        ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
        ::raise(signal);
    }
    ::_Exit(128 + signal);
}

}  // namespace

void end_cleanly_on_signals() {
    const sigset_t set = handled_signals();
    (void)registry();
    if (::pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return;
    std::thread([set] {
        int signal = 0;
        if (::sigwait(&set, &signal) == 0) end_by(signal);
    }).detach();
}

void restore_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : kSignals) sigaddset(&set, signal);
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

Unfinished::Unfinished(std::filesystem::path path) : path_(std::move(path)) {
    const std::lock_guard lock(registry().mutex);
    registry().paths.insert(path_);
}

Unfinished::~Unfinished() {
    const std::lock_guard lock(registry().mutex);
    registry().paths.erase(registry().paths.find(path_));
}

}  // namespace mcompress
