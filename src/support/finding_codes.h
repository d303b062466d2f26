// The codes of what mcompress check finds and no other command stops at; of the same table as error_codes.h.
#pragma once

#include "support/error_codes.h"

namespace mcompress::codes {

inline constexpr ErrorCode kNoEffect{"E3015", ErrorKind::Model, "a part of the model has no effect"};
inline constexpr ErrorCode kDegenerateValues{"E3016", ErrorKind::Model, "weights hold values that are lost or slow to compute with"};
inline constexpr ErrorCode kAmbiguousNames{"E3017", ErrorKind::Model, "names that people and tools go by are not unique"};

}  // namespace mcompress::codes
