// The range of a value whose widest samples are still to come.
#pragma once

#include <optional>

#include "ir/graph.h"
#include "quant/scheme.h"
#include "tensor/statistics.h"

namespace mcompress {

/// What range_beyond_seen() gives for a value that the scheme says nothing of, within the bounds of the operator that makes it. Nothing where 8-bit codes take
/// their range from another method than the default ones, or where no more than what was seen is expected to pay.
std::optional<ValueRange> unseen_range(const Value& value, const TensorStatistics& statistics, const QuantizationScheme& scheme);

}  // namespace mcompress
