#include "quant/magnitude_histogram.h"

#include <algorithm>

namespace mcompress {

MagnitudeHistogram::MagnitudeHistogram(const AnchoredHistogram& histogram)
    : counts(AnchoredHistogram::kBins, 0.0),
      width(histogram.bin_width()),
      has_both_signs(!histogram.positive().empty() && !histogram.negative().empty()) {
    for (const auto side : {histogram.positive(), histogram.negative()})
        for (std::size_t bin = 0; bin < side.size(); ++bin) counts[bin] += static_cast<double>(side[bin]);
    while (!counts.empty() && counts.back() == 0.0) counts.pop_back();
}

ValueRange clip_to_magnitude(const TensorStatistics& statistics, double magnitude) {
    const auto limit = static_cast<float>(magnitude);
    return {std::max(statistics.min, -limit), std::min(statistics.max, limit)};
}

}  // namespace mcompress
