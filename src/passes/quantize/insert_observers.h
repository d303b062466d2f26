// insert-observers: marks the values that calibration has to look at.
#pragma once

#include <memory>

#include "passes/pass.h"
#include "quant/scheme.h"

namespace mcompress {

std::unique_ptr<Pass> make_insert_observers(const QuantizationScheme& scheme);

}  // namespace mcompress
