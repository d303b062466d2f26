// Both sides of a histogram as one distribution of magnitudes.
#pragma once

#include <vector>

#include "quant/choose_params.h"
#include "tensor/statistics.h"

namespace mcompress {

struct MagnitudeHistogram {
    std::vector<double> counts;  // by bin, up to the last that is not empty
    double width = 0.0;
    bool has_both_signs = false;

    explicit MagnitudeHistogram(const AnchoredHistogram& histogram);
    double centre(std::size_t bin) const { return (static_cast<double>(bin) + 0.5) * width; }
};

/// From low to high, as far as values were seen; never ends below its beginning.
ValueRange clip_to(const TensorStatistics& statistics, double low, double high);
/// [-magnitude, magnitude], no wider than what was seen.
ValueRange clip_to_magnitude(const TensorStatistics& statistics, double magnitude);

}  // namespace mcompress
