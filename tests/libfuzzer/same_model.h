// Whether two models are the same in everything that is carried of them, and if not, what differs.
#pragma once

#include <string_view>

#include "ir/model.h"

namespace mcompress::fuzzing {

/// Throws Broken naming the first value or line that differs.
void require_same(const Model& before, const Model& after, std::string_view when);

}  // namespace mcompress::fuzzing
