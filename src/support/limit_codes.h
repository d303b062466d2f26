// Codes of the limits that a user sets; part of the table of error_codes.h.
#pragma once

#include "support/error_codes.h"

namespace mcompress::codes {

inline constexpr ErrorCode kTimeLimit{"E5003", ErrorKind::Limit, "the time limit is over"};

}  // namespace mcompress::codes
