// strip-observers: takes the Observe nodes out again.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

std::unique_ptr<Pass> make_strip_observers();

}  // namespace mcompress
