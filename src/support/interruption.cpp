#include "support/interruption.h"

#include <pthread.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <execinfo.h>
#endif

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <new>
#include <set>
#include <system_error>
#include <thread>

#include "support/error.h"
#include "support/publish.h"

namespace mcompress {

namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};

// What a signal does is a property of the process, so what it has to know is one too: the one mutable global there is.
struct Registry {
    std::timed_mutex mutex;
    std::multiset<std::filesystem::path> paths;
    std::vector<std::filesystem::path> written;
    int (*say_exhausted)() noexcept = nullptr;
    std::terminate_handler terminate = nullptr;
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

/// Takes no memory for files. Nobody makes or finishes one while the lock is held.
std::unique_lock<std::timed_mutex> remove_unfinished() noexcept {
    // Whoever holds the lock does so for an insertion: if it takes longer, something is broken and ending matters more.
    std::unique_lock lock(registry().mutex, std::chrono::seconds(1));
    if (!lock.owns_lock()) return lock;
    for (const std::filesystem::path& path : registry().paths) {
        if (::unlink(path.c_str()) == 0 || errno == ENOENT) continue;
        try {
            std::error_code ignored;
            std::filesystem::remove_all(path, ignored);
        } catch (const std::bad_alloc&) {
            // A folder whose names cannot even be listed stays for the next run to remove.
        }
    }
    return lock;
}

[[noreturn]] void end_by(int signal) {
    const auto lock = remove_unfinished();
    ::signal(signal, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    ::raise(signal);
    ::_Exit(128 + signal);
}

/// Whether operator new has failed in this thread.
thread_local bool t_allocation_failed = false;

/// Whether what is being thrown is for want of memory.
bool is_memory_exhausted() noexcept {
    const std::exception_ptr thrown = std::current_exception();
    // Code inlined into a function that must not throw ends the process before what was thrown counts as caught.
    if (!thrown) return t_allocation_failed && std::uncaught_exceptions() > 0;
    try {
        std::rethrow_exception(thrown);
    } catch (const std::bad_alloc&) {
        return true;
    } catch (...) {
        return false;
    }
}

[[noreturn]] void end_where_nothing_can_be_thrown() {
    if (is_memory_exhausted()) end_without_memory();
    if (registry().terminate) registry().terminate();
    std::abort();
}

}  // namespace

void end_cleanly_on_signals() {
    const sigset_t set = handled_signals();
    (void)registry();
    if (::pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return;
    try {
        std::thread([set] {
            int signal = 0;
            if (::sigwait(&set, &signal) == 0) end_by(signal);
        }).detach();
    } catch (const std::system_error& error) {
        throw Error(codes::kOutOfMemory, format("no thread can be started: {}", error.code().message()),
                    "free memory, or raise the limit of processes");
    }
}

void end_cleanly_without_memory(int (*say)() noexcept) {
    registry().say_exhausted = say;
    registry().terminate = std::set_terminate(end_where_nothing_can_be_thrown);
    std::set_new_handler([] {
        t_allocation_failed = true;
        throw std::bad_alloc();
    });
#ifdef __GLIBC__
    // The C library loads what exceptions need to pass through it (pthread_once) when it first does, and aborts where it cannot.
    void* frame = nullptr;
    (void)::backtrace(&frame, 1);
#endif
}

void end_unfinished(const char* text, int exit_code) noexcept {
    const auto lock = remove_unfinished();
    std::fputs(text, stderr);
    ::_Exit(exit_code);
}

int publish(const std::filesystem::path& finished, const std::filesystem::path& target) noexcept {
    const std::lock_guard lock(registry().mutex);
    if (std::rename(finished.c_str(), target.c_str()) != 0) return errno;
    try {
        std::vector<std::filesystem::path>& written = registry().written;
        if (std::find(written.begin(), written.end(), target) == written.end()) written.push_back(target);
    } catch (const std::bad_alloc&) {
        // It is there all the same; only a message would have named it.
    }
    return 0;
}

void end_unfinished(const SayWritten& say, int exit_code) noexcept {
    const auto lock = remove_unfinished();
    try {
        std::vector<std::filesystem::path> written;
        for (const std::filesystem::path& path : registry().written)
            if (::access(path.c_str(), F_OK) == 0) written.push_back(path);  // what lay in an unfinished folder is gone
        std::fputs(say(written).c_str(), stderr);
    } catch (const std::exception&) {
        std::fputs("ended before all was done\n", stderr);
    }
    ::_Exit(exit_code);
}

void end_without_memory() noexcept {
    const auto lock = remove_unfinished();
    if (registry().say_exhausted) ::_Exit(registry().say_exhausted());
    std::abort();
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
