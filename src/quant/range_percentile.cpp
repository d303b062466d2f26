// A range that leaves out the outermost values.
#include "quant/magnitude_histogram.h"
#include "quant/range_method.h"

namespace mcompress {

namespace {

double total(std::span<const std::uint64_t> counts) {
    double sum = 0.0;  // exact below 2^53 values
    for (const std::uint64_t count : counts) sum += static_cast<double>(count);
    return sum;
}

/// The magnitude beyond which `share` values of the side lie, interpolated inside the bin.
double magnitude_beyond(std::span<const std::uint64_t> counts, double width, double share) {
    for (std::size_t bin = counts.size(); bin-- > 0;) {
        const auto count = static_cast<double>(counts[bin]);
        if (count > share) return (static_cast<double>(bin + 1) - share / count) * width;
        share -= count;
    }
    return 0.0;
}

}  // namespace

ValueRange choose_percentile(const TensorStatistics& statistics, double percent) {
    const AnchoredHistogram& histogram = statistics.histogram;
    const double below = total(histogram.negative()), above = total(histogram.positive());
    if (below + above == 0.0) return choose_min_max(statistics);
    const double beyond = (100.0 - percent) / 100.0 * (below + above) / (below > 0.0 && above > 0.0 ? 2.0 : 1.0);
    const double low = -magnitude_beyond(histogram.negative(), histogram.bin_width(), beyond);
    const double high = magnitude_beyond(histogram.positive(), histogram.bin_width(), beyond);
    return clip_to(statistics, low, high);
}

}  // namespace mcompress
