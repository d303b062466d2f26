// Assertions about our own code. Input can never reach them: what a file says is checked and reported as an Error of its own kind.
#pragma once

#include "support/error.h"

namespace mcompress {

/// Throws an internal Error when an invariant of ours does not hold.
#define MCOMPRESS_CHECK(condition)                                                                                                         \
    do {                                                                                                                                   \
        if (!(condition)) ::mcompress::check_failed(#condition, __FILE__, __LINE__);                                                       \
    } while (false)

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace mcompress
