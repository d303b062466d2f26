// The process's memory as the system sees it.
#pragma once

#include <cstdint>

namespace mcompress {

/// Gives pages that were freed but kept for later back to the system. Between stages that allocate much of their own each, the peak is then that of the
/// greatest stage, not the sum of what all left behind. Does nothing where the C library cannot.
void release_free_memory();

/// Freed memory waits for its next use: tensors of up to 4 MB do not go back to the system and come again, page by page and filled with zeros, at every
/// run of a plan. At most 16 MB at the end of the heap stay idle. For the start of a program; does nothing where the C library cannot.
void keep_freed_memory();

/// The most that lay in memory at once since the program began, in bytes; 0 where the system does not say.
std::uint64_t peak_memory();

/// What lies in memory now, in bytes; 0 where the system does not say.
std::uint64_t resident_memory();

}  // namespace mcompress
