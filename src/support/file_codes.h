// The code of a file that changes while it is read; part of the table of error_codes.h, which nearly everything includes, while few need this one.
#pragma once

#include "support/error_codes.h"

namespace mcompress::codes {

inline constexpr ErrorCode kFileChanged{"E4005", ErrorKind::File, "a file changed while it was read"};

}  // namespace mcompress::codes
