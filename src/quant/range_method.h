// Range methods: pure functions from streaming statistics to a range. One table row each.
#pragma once

#include <span>
#include <string_view>

#include "quant/choose_params.h"
#include "tensor/statistics.h"

namespace mcompress {

/// The smallest and the largest value seen.
ValueRange choose_min_max(const TensorStatistics& statistics);
/// The mean over samples of the per-sample minimum and maximum (as NNCF's MEAN_MINMAX). The sums are exact, so the order of samples does not
/// matter; [0, 0] when there was no sample.
ValueRange choose_mean_min_max(const TensorStatistics& statistics);

struct RangeMethod {
    std::string_view name;  // "min-max"
    std::string_view summary;
    ValueRange (*choose)(const TensorStatistics&);
};

/// Between the two above, by the smaller expected squared error of 8-bit codes over the histogram.
ValueRange choose_least_error(const TensorStatistics& statistics);

std::span<const RangeMethod> all_range_methods();
/// Throws kUsage naming the known methods.
const RangeMethod& find_range_method(std::string_view name);
inline constexpr std::string_view kDefaultRangeMethod = "least-error";

}  // namespace mcompress
