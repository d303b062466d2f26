#include "support/memory.h"

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace mcompress {

void release_free_memory() {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void keep_freed_memory() {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 16 << 20);
#endif
}

namespace {

/// Of this process; not what getrusage() says: that begins with what the program had that started this one.
std::uint64_t status_of(std::string_view name) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(name)) return std::strtoull(line.c_str() + name.size(), nullptr, 10) << 10;
    return 0;
}

}  // namespace

std::uint64_t peak_memory() { return status_of("VmHWM:"); }

std::uint64_t resident_memory() { return status_of("VmRSS:"); }

}  // namespace mcompress
