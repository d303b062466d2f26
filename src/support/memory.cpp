#include "support/memory.h"

#include <cstdlib>
#include <fstream>
#include <string>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace mcompress {

void release_free_memory() {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

std::uint64_t peak_memory() {
    // Not what getrusage() says: that begins with what the program had that started this one.
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmHWM:")) return std::strtoull(line.c_str() + 6, nullptr, 10) << 10;
    return 0;
}

}  // namespace mcompress
