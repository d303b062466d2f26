// How every benchmark's `main` ends.
#pragma once

#include <cstdio>

#include "support/error.h"

namespace mcompress::bench {

/// The exit code of `job`; 1 with the message on stderr when it throws an Error.
template <typename Job> int report_errors(Job&& job) {
    try {
        return job();
    } catch (const Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}

}  // namespace mcompress::bench
