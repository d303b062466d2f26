// A library to preload: the program adopts the locale of its environment, C's and C++'s, when it opens the first model, as a desktop program around the library has done by then. (The command
// line itself never does.) A locale that is not there, or a program that never opens a model, ends in exit code 99: a test of nothing is none.
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <clocale>
#include <cstdarg>
#include <cstring>
#include <locale>

namespace {

std::atomic<bool> g_adopted{false};

void adopt(const char* path) {
    const std::size_t length = std::strlen(path);
    if (length < 5 || std::strcmp(path + length - 5, ".onnx") != 0 || g_adopted.exchange(true)) return;
    if (!std::setlocale(LC_ALL, "")) ::_exit(99);
    std::locale::global(std::locale(""));
}

int open_next(const char* name, const char* path, int flags, mode_t mode) {
    adopt(path);
    return reinterpret_cast<int (*)(const char*, int, ...)>(::dlsym(RTLD_NEXT, name))(path, flags, mode);
}

struct Check {
    ~Check() {
        if (!g_adopted) ::_exit(99);
    }
} g_check;

}  // namespace

extern "C" int open(const char* path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_next("open", path, flags, mode);
}

extern "C" int open64(const char* path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_next("open64", path, flags, mode);
}
