// A library to preload: write() takes only a part of what it is given, as the system may.
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

// MCOMPRESS_SHORT_WRITES=N: N bytes at most by each call.
extern "C" ssize_t write(int descriptor, const void* data, size_t size) {
    static const char* const most = std::getenv("MCOMPRESS_SHORT_WRITES");
    if (most) size = std::min(size, static_cast<size_t>(std::strtoul(most, nullptr, 10)));
    return ::syscall(SYS_write, descriptor, data, size);
}
