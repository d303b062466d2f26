// insert-saturation: makes a quantized graph compute what kernels with 16-bit sums would.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

std::unique_ptr<Pass> make_insert_saturation();

}  // namespace mcompress
