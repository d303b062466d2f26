// The ranges that a search tries for a value.
#pragma once

#include <vector>

#include "quant/choose_params.h"
#include "tensor/statistics.h"

namespace mcompress {

/// What the range methods give and shares of the widest, all holding 0, from wide to narrow, without near duplicates. At least one.
std::vector<ValueRange> range_candidates(const TensorStatistics& statistics);

/// The candidate whose width is nearest.
std::size_t nearest_candidate(const std::vector<ValueRange>& candidates, ValueRange range);

}  // namespace mcompress
