// Range methods: pure functions from streaming statistics to a range. One table row and one file each.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "quant/choose_params.h"
#include "tensor/statistics.h"

namespace mcompress {

/// The smallest and the largest value seen.
ValueRange choose_min_max(const TensorStatistics& statistics);
/// The mean over samples of the per-sample minimum and maximum (as NNCF's MEAN_MINMAX). The sums are exact, so the order of samples does not
/// matter; [0, 0] when there was no sample.
ValueRange choose_mean_min_max(const TensorStatistics& statistics);
/// An exponential average of the per-sample extremes, m <- m + c (x - m) from the first sample on (TFLite, PyTorch), depends on the order of the
/// samples, and its mean over all orders is choose_mean_min_max() for any c, since every sample then stands at every place equally often. That mean
/// is what this gives: shards, threads and file names do not show.
ValueRange choose_moving_average(const TensorStatistics& statistics);
/// Between the first two, by the smaller expected squared error of 8-bit codes over the histogram.
ValueRange choose_least_error(const TensorStatistics& statistics);
/// Leaves out (100 - percent)/2 percent of the values at each end, or all of it at the one end of values of one sign. Exact zeros do not count.
ValueRange choose_percentile(const TensorStatistics& statistics, double percent);
/// The magnitude at which the distribution, cut off there and seen through 8-bit codes, diverges least (Kullback-Leibler) from the whole one.
/// Exact zeros do not count: behind a Relu they would be all that does.
ValueRange choose_entropy(const TensorStatistics& statistics);
/// Both ends free: the least expected squared error of 8-bit codes over the histogram.
ValueRange choose_mse(const TensorStatistics& statistics);
/// The least error by Newton's iteration on the magnitude (OCTAV, Sakr et al. 2022).
ValueRange choose_octav(const TensorStatistics& statistics);

struct RangeMethod {
    std::string_view name;  // "min-max"
    std::string_view summary;
    ValueRange (*choose)(const TensorStatistics&, double parameter);
    double parameter = 0.0;  // what "name" alone stands for
    double least = 0.0;      // the values that "name:parameter" may take; none when they are equal
    double most = 0.0;
};

/// A row with its parameter.
struct ChosenRangeMethod {
    const RangeMethod* method = nullptr;
    double parameter = 0.0;

    std::string_view name() const { return method->name; }
    ValueRange choose(const TensorStatistics& statistics) const { return method->choose(statistics, parameter); }
};

std::span<const RangeMethod> all_range_methods();
/// "min-max", "percentile" or "percentile:99.9". Throws kUsage naming the known methods, or the parameters it takes.
ChosenRangeMethod find_range_method(std::string_view text);
inline constexpr std::string_view kDefaultRangeMethod = "auto";

}  // namespace mcompress
