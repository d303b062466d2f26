// How far beyond everything seen a range should reach for the sake of samples to come.
#pragma once

#include <optional>

#include "quant/choose_params.h"
#include "tensor/statistics.h"

namespace mcompress {

/// The range of least expected squared error for a further sample, where that is wider than everything seen; else nothing. `levels` is the number of steps in the range.
///
/// The extremes of n samples are taken as drawn from one distribution with an exponential tail of scale b, for which their greatest one lies b ln n above
/// their mean. With probability 1 / (n + 1) the next sample goes beyond, by b on average: clipped b' = e^(-d / b) of that, it costs 2 b^2 e^(-d / b) / (n + 1)
/// over the N elements of a sample, against steps of width W / levels in all of them. The sum is least for
/// d = b ln(12 b levels^2 / ((n + 1) N W)). So ranges of values with few elements a sample (pooled ones) grow, those of pictures do not.
std::optional<ValueRange> range_beyond_seen(const TensorStatistics& statistics, double levels);

}  // namespace mcompress
