// What this process may use: memory, nodes of a model, time.
#pragma once

#include <cstdint>

#include "support/publish.h"

namespace mcompress {

struct ProcessLimits {
    std::uint64_t memory = UINT64_MAX;  // bytes
    std::uint64_t nodes = UINT64_MAX;   // of one model, with its bodies and functions
};

/// 80 % of the memory that this machine, or the control group the process belongs to, has.
std::uint64_t default_memory_limit();

/// Call in main, before other threads are there. Memory is limited by the system as well: an allocation beyond it fails. Programs that this one starts are not limited.
void set_process_limits(const ProcessLimits& limits);
const ProcessLimits& process_limits();

/// The system's limit as it was; between fork and exec.
void restore_process_limits();

/// Ends the process after so many seconds, whatever it does: what is unfinished is removed, what `say` makes of the files written by then goes to standard error.
void end_at_time_limit(double seconds, SayWritten say, int exit_code);

}  // namespace mcompress
