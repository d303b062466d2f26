// The stable error codes of stamps, in the table of error_codes.h.
#pragma once

#include "support/error_codes.h"

namespace mcompress::codes {

inline constexpr ErrorCode kStampMissing{"E3018", ErrorKind::Model, "the model has no stamp"};
inline constexpr ErrorCode kStampInvalid{"E3019", ErrorKind::Model, "the stamp in the model is malformed"};

}  // namespace mcompress::codes
