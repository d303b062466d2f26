// Running another program and reading what it prints.
#pragma once

#include <string>
#include <vector>

namespace mcompress {

struct SubprocessResult {
    int exit_code = 0;
    int signal = 0;          // that ended it; 0: none
    bool timed_out = false;  // it was ended, with everything it started in its process group
    std::string output;      // of its standard output the last 64 KiB
};

/// Runs arguments[0], a path, with these arguments, the standard input empty and the standard error ours. Throws kOutOfMemory when it cannot be started.
SubprocessResult run_subprocess(const std::vector<std::string>& arguments, double max_seconds);

}  // namespace mcompress
