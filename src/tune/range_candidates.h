// The ranges that a search tries for a value.
#pragma once

#include <optional>
#include <vector>

#include "quant/choose_params.h"
#include "tensor/statistics.h"

namespace mcompress {

/// What the range methods give and shares of the widest, all holding 0, from wide to narrow, without near duplicates. At least one. `wider`: a range beyond what was
/// seen, in the place of everything seen.
std::vector<ValueRange> range_candidates(const TensorStatistics& statistics, const std::optional<ValueRange>& wider = {});

/// The candidate whose width is nearest.
std::size_t nearest_candidate(const std::vector<ValueRange>& candidates, ValueRange range);

}  // namespace mcompress
