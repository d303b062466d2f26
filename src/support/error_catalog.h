// What every error code means, at length: the text of `mcompress explain`.
#pragma once

#include <span>
#include <string_view>

#include "support/error_codes.h"

namespace mcompress {

struct ErrorEntry {
    ErrorCode code;
    const char* meaning;
    const char* remedy;
};

/// One entry a code, in the order of the kinds.
std::span<const ErrorEntry> all_errors();
/// By the code's id ("E3004"); null when there is none.
const ErrorEntry* find_error(std::string_view id);

}  // namespace mcompress
