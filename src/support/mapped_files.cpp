#include "support/mapped_files.h"

#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <mutex>
#include <new>
#include <optional>

#include "support/error.h"
#include "support/file_codes.h"
#include "support/interruption.h"

namespace mcompress {

namespace {

/// What tells one state of a file from another.
struct FileState {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t seconds = 0, nanoseconds = 0;  // of the last change

    static FileState of(const struct stat& status) {
        return {status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
    }
    bool is_same_file(const FileState& other) const { return device == other.device && inode == other.inode; }
    bool is_same_state(const FileState& other) const {
        return size == other.size && seconds == other.seconds && nanoseconds == other.nanoseconds;
    }
};

/// One mapping; free where `begin` is 0. A signal handler reads the two addresses, nothing else.
struct Mapping {
    std::atomic<std::uintptr_t> begin{0};
    std::atomic<std::uintptr_t> end{0};
    std::filesystem::path path;
    FileState state;
};

/// Mappings are never moved nor freed, so that a signal handler can walk through them at any time.
struct Mappings {
    std::array<Mapping, 64> all;
    std::atomic<Mappings*> next{nullptr};
};

// What a signal does is a property of the process, so what it has to know is one too.
struct State {
    std::mutex mutex;  // of those who change the mappings
    Mappings first;
    std::atomic<const Mapping*> lost{nullptr};
    sem_t woken{};
    struct sigaction before {};
    std::string (*text_of)(const Error&) = nullptr;
};

State& state() {
    static auto* const only = new State;  // outlives every object: threads may end after main
    return *only;
}

// The handler's own way to it: the initialization of a static is nothing for a handler.
std::atomic<State*> g_state{nullptr};

template <typename Visit> void for_each_mapping(State& of, Visit&& visit) {
    for (Mappings* part = &of.first; part; part = part->next.load(std::memory_order_acquire))
        for (Mapping& mapping : part->all) visit(mapping);
}

const Mapping* find_mapping(State& of, std::uintptr_t address) {
    const Mapping* found = nullptr;
    for_each_mapping(of, [&](const Mapping& mapping) {
        const std::uintptr_t begin = mapping.begin.load(std::memory_order_acquire);
        if (begin != 0 && begin <= address && address < mapping.end.load(std::memory_order_acquire)) found = &mapping;
    });
    return found;
}

Mapping& free_mapping(State& of) {
    Mappings* part = &of.first;
    while (true) {
        for (Mapping& mapping : part->all)
            if (mapping.begin.load(std::memory_order_relaxed) == 0) return mapping;
        Mappings* next = part->next.load(std::memory_order_relaxed);
        if (!next) {
            next = new Mappings;
            part->next.store(next, std::memory_order_release);
        }
        part = next;
    }
}

Error changed(const Mapping& mapping, const FileState& now) {
    const std::string path = mapping.path.string();
    const std::string what = now.size == mapping.state.size
                                 ? format("{} was written to while it was read; it should stay as it was when it was opened", path)
                                 : format("{} changed while it was read: it has {} bytes, and had {} when it was opened", path,
                                          static_cast<std::int64_t>(now.size), static_cast<std::int64_t>(mapping.state.size));
    return Error(codes::kFileChanged, what, "let nothing write to inputs while they are read: write a new file and rename it");
}

std::optional<FileState> state_now(const Mapping& mapping) {
    struct stat status {};
    if (::stat(mapping.path.c_str(), &status) != 0) return std::nullopt;
    const FileState now = FileState::of(status);
    return now.is_same_file(mapping.state) ? std::optional(now) : std::nullopt;
}

/// Why reading from the mapping failed.
Error reason_of(const Mapping& mapping) {
    const auto now = state_now(mapping);
    if (now && !now->is_same_state(mapping.state)) return changed(mapping, *now);
    if (now)
        return Error(codes::kFileUnreadable, format("{} cannot be read: its disk gave no data for a part of it", mapping.path.string()),
                     "check the disk, or get the file again");
    return Error(codes::kFileChanged,
                 format("{} was cut off and replaced while it was read; it had {} bytes when it was opened", mapping.path.string(),
                        static_cast<std::int64_t>(mapping.state.size)),
                 "let nothing write to inputs while they are read: write a new file and rename it");
}

/// Waits for a fault. Ordinary code: the thread that met it stands still and holds no lock but those of whoever reads a file.
void* end_when_woken(void*) {
    while (::sem_wait(&state().woken) != 0) {
    }
    try {
        const Error error = reason_of(*state().lost.load());
        end_unfinished(state().text_of(error).c_str(), static_cast<int>(error.kind()));
    } catch (const std::bad_alloc&) {
        end_without_memory();
    }
}

/// Only what a handler may do: atomics, sem_post, nanosleep, sigaction, raise, _exit.
void on_fault(int signal, siginfo_t* info, void*) {
    State* const known = g_state.load(std::memory_order_acquire);
    const bool is_fault = info->si_code > 0;  // else somebody sent it
    const Mapping* const mapping = is_fault ? find_mapping(*known, reinterpret_cast<std::uintptr_t>(info->si_addr)) : nullptr;
    if (!mapping) {
        // Back in the program, a fault happens again and then does what it did before; what was sent has to be sent again.
        ::sigaction(signal, &known->before, nullptr);
        if (!is_fault) ::raise(signal);
        return;
    }
    const Mapping* none = nullptr;
    if (known->lost.compare_exchange_strong(none, mapping)) ::sem_post(&known->woken);
    constexpr int kSeconds = 10;  // more than removing what is unfinished can take
    for (int second = 0; second < kSeconds; ++second) {
        const timespec pause{.tv_sec = 1, .tv_nsec = 0};
        ::nanosleep(&pause, nullptr);
    }
    ::_exit(static_cast<int>(ErrorKind::File));
}

}  // namespace

void remember_mapping(const std::filesystem::path& path, const struct stat& status, const std::byte* data, std::size_t size) {
    const std::lock_guard lock(state().mutex);
    Mapping& mapping = free_mapping(state());
    mapping.path = path;
    mapping.state = FileState::of(status);
    const auto begin = reinterpret_cast<std::uintptr_t>(data);
    mapping.end.store(begin + size, std::memory_order_release);
    mapping.begin.store(begin, std::memory_order_release);
}

void forget_mapping(const std::byte* data) noexcept {
    const std::lock_guard lock(state().mutex);
    for_each_mapping(state(), [&](Mapping& mapping) {
        if (mapping.begin.load(std::memory_order_relaxed) == reinterpret_cast<std::uintptr_t>(data))
            mapping.begin.store(0, std::memory_order_release);
    });
}

void check_mapped_files() {
    const std::lock_guard lock(state().mutex);
    for_each_mapping(state(), [&](const Mapping& mapping) {
        if (mapping.begin.load(std::memory_order_relaxed) == 0) return;
        const auto now = state_now(mapping);
        if (now && !now->is_same_state(mapping.state)) throw changed(mapping, *now);
    });
}

void end_cleanly_on_lost_files(std::string (*text_of)(const Error&)) {
    constexpr std::size_t kStack = std::size_t{256} << 10;
    state().text_of = text_of;
    g_state.store(&state(), std::memory_order_release);
    pthread_attr_t attributes;
    pthread_t thread{};
    const bool is_ready = ::sem_init(&state().woken, 0, 0) == 0 && ::pthread_attr_init(&attributes) == 0;
    const int code =
        !is_ready ? errno
        : ::pthread_attr_setstacksize(&attributes, kStack) != 0 || ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) != 0
            ? EINVAL
            : ::pthread_create(&thread, &attributes, end_when_woken, nullptr);
    if (is_ready) ::pthread_attr_destroy(&attributes);
    if (code != 0)
        throw Error(codes::kOutOfMemory, format("no thread can be started: {}", std::generic_category().message(code)),
                    "free memory, or raise the limit of processes");
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    ::sigaction(SIGBUS, &action, &state().before);
}

}  // namespace mcompress
