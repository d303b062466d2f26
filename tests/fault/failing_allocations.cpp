// A library to preload: serves requests "number mode\n" on a descriptor, each by a fork of the program, whose allocation of that number fails.
//
// MCOMPRESS_FAULT_FDS=IN,OUT names the descriptors. Mode "once" lets one allocation fail, "on" that and all later ones. What comes back for each request is
// "status allocations failed\n": as waitpid() has it, how many allocations were asked for, and how many of them failed. Counting begins with main(): what
// libraries do before it is no concern of the program's.
#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
}

namespace {

constexpr unsigned kLongestSeconds = 60;

struct Counts {
    std::atomic<std::uint64_t> asked{0};
    std::atomic<std::uint64_t> failed{0};
};

Counts* g_counts = nullptr;  // shared with the server; null until main() runs in a fork
std::uint64_t g_first = 0;
bool g_later_too = false;
int (*g_main)(int, char**, char**) = nullptr;

bool fails() {
    if (!g_counts) return false;
    const std::uint64_t number = ++g_counts->asked;
    if (number < g_first || (number > g_first && !g_later_too)) return false;
    ++g_counts->failed;
    errno = ENOMEM;
    return true;
}

Counts* shared_counts() {
    void* const page = ::mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? nullptr : new (page) Counts;
}

bool read_line(int descriptor, char* line, std::size_t size) {
    std::size_t at = 0;
    while (at + 1 < size && ::read(descriptor, line + at, 1) == 1 && line[at] != '\n') ++at;
    line[at] = '\0';
    return at > 0;
}

int serve(int argc, char** argv, char** environment) {
    int in = 0, out = 0;
    if (const char* const fds = std::getenv("MCOMPRESS_FAULT_FDS"); !fds || std::sscanf(fds, "%d,%d", &in, &out) != 2)
        return g_main(argc, argv, environment);
    ::unsetenv("LD_PRELOAD");  // programs that this one starts are not meant
    Counts* const counts = shared_counts();
    char line[64];
    while (counts && read_line(in, line, sizeof line)) {
        char mode[8] = "";
        unsigned long number = 0;
        if (std::sscanf(line, "%lu %7s", &number, mode) != 2) return 1;
        counts->asked = counts->failed = 0;
        const pid_t child = ::fork();
        if (child == 0) {
            ::close(in), ::close(out);
            ::alarm(kLongestSeconds);
            g_first = number;
            g_later_too = std::strcmp(mode, "on") == 0;
            g_counts = counts;
            return g_main(argc, argv, environment);
        }
        int status = 0;
        while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        const int length = std::snprintf(line, sizeof line, "%d %lu %lu\n", status, counts->asked.load(), counts->failed.load());
        if (::write(out, line, static_cast<std::size_t>(length)) != length) return 1;
    }
    return 0;
}

}  // namespace

extern "C" {

void* malloc(size_t size) { return fails() ? nullptr : __libc_malloc(size); }
void* calloc(size_t count, size_t size) { return fails() ? nullptr : __libc_calloc(count, size); }
void* realloc(void* old, size_t size) { return size > 0 && fails() ? nullptr : __libc_realloc(old, size); }
void* memalign(size_t alignment, size_t size) { return fails() ? nullptr : __libc_memalign(alignment, size); }
void* aligned_alloc(size_t alignment, size_t size) { return fails() ? nullptr : __libc_memalign(alignment, size); }

int posix_memalign(void** result, size_t alignment, size_t size) {
    if (fails()) return ENOMEM;
    void* const memory = __libc_memalign(alignment, size);
    if (!memory) return ENOMEM;
    *result = memory;
    return 0;
}

int __libc_start_main(int (*program)(int, char**, char**), int argc, char** argv, void (*begin)(), void (*end)(), void (*unload)(),
                      void* stack) {
    using Start = int (*)(int (*)(int, char**, char**), int, char**, void (*)(), void (*)(), void (*)(), void*);
    g_main = program;
    const auto start = reinterpret_cast<Start>(::dlsym(RTLD_NEXT, "__libc_start_main"));
    return start(serve, argc, argv, begin, end, unload, stack);
}
}
