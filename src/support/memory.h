// The process's memory as the system sees it.
#pragma once

namespace mcompress {

/// Gives pages that were freed but kept for later back to the system. Between stages that allocate much of their own each, the peak is then that of the
/// greatest stage, not the sum of what all left behind. Does nothing where the C library cannot.
void release_free_memory();

}  // namespace mcompress
