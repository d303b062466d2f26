// OCTAV (Sakr et al., "Optimal clipping and magnitude-aware differentiation", 2022): the clipping magnitude of least squared error as a fixed point.
#include <cmath>

#include "quant/magnitude_histogram.h"
#include "quant/range_method.h"

namespace mcompress {

ValueRange choose_octav(const TensorStatistics& statistics) {
    const MagnitudeHistogram histogram(statistics.histogram);
    if (histogram.counts.empty()) return choose_min_max(statistics);
    double count = 0.0, sum = 0.0;
    for (std::size_t bin = 0; bin < histogram.counts.size(); ++bin) {
        count += histogram.counts[bin];
        sum += histogram.counts[bin] * histogram.centre(bin);
    }
    // Rounding costs step^2/12 a value; with 8 bits the step is 2s/256 for both signs, s/256 for one. Zeros are exact and cost nothing.
    const double noise = std::ldexp(1.0, -16) / (histogram.has_both_signs ? 3.0 : 12.0);
    double magnitude = sum / count;
    constexpr int kIterations = 20;
    for (int iteration = 0; iteration < kIterations; ++iteration) {
        double beyond_count = 0.0, beyond_sum = 0.0;
        for (std::size_t bin = histogram.counts.size(); bin-- > 0 && histogram.centre(bin) >= magnitude;) {
            beyond_count += histogram.counts[bin];
            beyond_sum += histogram.counts[bin] * histogram.centre(bin);
        }
        const double next = beyond_sum / ((1.0 - noise) * beyond_count + noise * count);
        if (std::fabs(next - magnitude) <= 1e-6 * magnitude || next == 0.0) break;
        magnitude = next;
    }
    return clip_to_magnitude(statistics, magnitude);
}

}  // namespace mcompress
