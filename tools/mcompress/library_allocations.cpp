// What oneDNN allocates with: it goes on with a null pointer where there is no memory, so the process has to end before.
#include <malloc.h>

#include <cerrno>
#include <cstddef>

#include "support/interruption.h"

// The program's own definition is what its libraries call. Nothing may be thrown here: others may wait for what the caller is making.
extern "C" int posix_memalign(void** result, std::size_t alignment, std::size_t size) noexcept {
    if (alignment == 0 || alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
    void* const memory = ::memalign(alignment, size);
    if (!memory && size > 0) mcompress::end_without_memory();
    *result = memory;
    return 0;
}
