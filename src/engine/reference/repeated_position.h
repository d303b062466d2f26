// Which element of an axis stands for a place beside it.
#pragma once

#include <algorithm>
#include <cstdint>

#include "ops/shape.h"

namespace mcompress::reference {

/// Where a place of a padded axis reads, for the modes that repeat the input: places of the input are 0 to extent - 1.
inline std::int64_t repeated_position(PadAttrs::Mode mode, std::int64_t position, std::int64_t extent) {
    if (mode == PadAttrs::Mode::Edge) return std::clamp<std::int64_t>(position, 0, extent - 1);
    if (mode == PadAttrs::Mode::Wrap) return (position % extent + extent) % extent;
    if (extent == 1) return 0;
    const std::int64_t period = 2 * (extent - 1), folded = (position % period + period) % period;
    return folded < extent ? folded : period - folded;
}

}  // namespace mcompress::reference
