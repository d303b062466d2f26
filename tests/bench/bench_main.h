// How every benchmark's `main` ends.
#pragma once

#include <cstdio>

#include "support/error.h"
#include "support/memory.h"

namespace mcompress::bench {

/// The exit code of `job`; 1 with the message on stderr when it throws an Error.
template <typename Job> int report_errors(Job&& job) {
    keep_freed_memory();  // as the program that is measured does
    try {
        return job();
    } catch (const Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}

}  // namespace mcompress::bench
