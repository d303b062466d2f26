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

ValueRange clip_to(const TensorStatistics& statistics, double low, double high) {
    // Where all values lie in one bin, what was computed of it may lie beyond the other extreme.
    return {std::min(std::max(statistics.min, static_cast<float>(low)), statistics.max),
            std::max(std::min(statistics.max, static_cast<float>(high)), statistics.min)};
}

ValueRange clip_to_magnitude(const TensorStatistics& statistics, double magnitude) { return clip_to(statistics, -magnitude, magnitude); }

}  // namespace mcompress
