// A library to preload: changes a file at a moment of the program's run, as another process could.
//
// MCOMPRESS_CHANGE="MOMENT ACTION PATH". Moments: "mapped", when the file has been mapped for the first time; "output", when the first output is begun. Actions: a number cuts the file
// to so many bytes; "write" writes its first byte again; "lose" cuts it to nothing and puts an empty file in its place; "signal" sends SIGBUS to the program and leaves the file alone.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

std::atomic<bool> g_done{false};

void change(const char* action, const char* path) {
    if (g_done.exchange(true)) return;
    if (std::strcmp(action, "signal") == 0) {
        ::raise(SIGBUS);
    } else if (std::strcmp(action, "write") == 0) {
        const int descriptor = ::open(path, O_RDWR | O_CLOEXEC);
        char first = 0;
        if (::pread(descriptor, &first, 1, 0) != 1 || ::pwrite(descriptor, &first, 1, 0) != 1) ::_exit(99);
        ::close(descriptor);
    } else {
        if (::truncate(path, std::atol(action)) != 0) ::_exit(99);
        if (std::strcmp(action, "lose") != 0) return;
        const std::string other = std::string(path) + ".new";
        ::close(::open(other.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        if (::rename(other.c_str(), path) != 0) ::_exit(99);
    }
}

/// What MCOMPRESS_CHANGE says for `moment`; `descriptor` is the file it is about, -1: any.
void reach(const char* moment, int descriptor) {
    const char* const wanted = std::getenv("MCOMPRESS_CHANGE");
    char when[16] = "", action[16] = "", path[4096] = "";
    if (!wanted || std::sscanf(wanted, "%15s %15s %4095s", when, action, path) != 3 || std::strcmp(when, moment) != 0) return;
    struct stat ours {
    }, other{};
    if (descriptor >= 0 &&
        (::fstat(descriptor, &ours) != 0 || ::stat(path, &other) != 0 || ours.st_ino != other.st_ino || ours.st_dev != other.st_dev))
        return;
    change(action, path);
}

template <typename Function> Function next(const char* name) { return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name)); }

void* map(const char* name, void* at, size_t size, int protection, int flags, int descriptor, off_t offset) {
    using Map = void* (*)(void*, size_t, int, int, int, off_t);
    void* const result = next<Map>(name)(at, size, protection, flags, descriptor, offset);
    if (descriptor >= 0 && result != MAP_FAILED && (flags & MAP_PRIVATE) != 0) reach("mapped", descriptor);
    return result;
}

int make(const char* name, char* pattern, int flags) {
    reach("output", -1);
    return next<int (*)(char*, int)>(name)(pattern, flags);
}

}  // namespace

extern "C" {
void* mmap(void* at, size_t size, int protection, int flags, int descriptor, off_t offset) noexcept {
    return map("mmap", at, size, protection, flags, descriptor, offset);
}
void* mmap64(void* at, size_t size, int protection, int flags, int descriptor, off_t offset) noexcept {
    return map("mmap64", at, size, protection, flags, descriptor, offset);
}
int mkostemp(char* pattern, int flags) { return make("mkostemp", pattern, flags); }
int mkostemp64(char* pattern, int flags) { return make("mkostemp64", pattern, flags); }
}
