#include <algorithm>
#include <array>
#include <cmath>

#include "quant/range_method.h"

namespace mcompress {

namespace {

constexpr double kLevels = 255.0;

// Expected squared error of `range` over one side of the histogram: rounding noise step²/12 inside, the clipped distance outside.
double side_error(std::span<const std::uint64_t> counts, double width, double limit, double step) {
    double error = 0.0;
    for (std::size_t bin = 0; bin < counts.size(); ++bin) {
        if (counts[bin] == 0) continue;
        const double excess = std::max(0.0, (static_cast<double>(bin) + 0.5) * width - limit);
        error += static_cast<double>(counts[bin]) * (excess > 0.0 ? excess * excess : step * step / 12.0);
    }
    return error;
}

double expected_error(const AnchoredHistogram& histogram, ValueRange range) {
    const double low = std::min(0.0, static_cast<double>(range.min));
    const double high = std::max(0.0, static_cast<double>(range.max));
    const double step = (high - low) / kLevels;
    return side_error(histogram.positive(), histogram.bin_width(), high, step) +
           side_error(histogram.negative(), histogram.bin_width(), -low, step);
}

}  // namespace

ValueRange choose_least_error(const TensorStatistics& statistics) {
    const ValueRange widest = choose_min_max(statistics);
    const ValueRange mean = choose_mean_min_max(statistics);
    ValueRange best = widest;
    double best_error = expected_error(statistics.histogram, widest);
    // Ties keep the wider range: clip no more than pays.
    constexpr std::array<float, 8> kTowardsMean{0.125f, 0.25f, 0.375f, 0.5f, 0.625f, 0.75f, 0.875f, 1.0f};
    for (const float share : kTowardsMean) {
        // All the way is the mean itself: what is left of an end by subtraction may lie beyond the other end when they are powers apart.
        const ValueRange candidate =
            share == 1.0f ? mean : ValueRange{widest.min + share * (mean.min - widest.min), widest.max + share * (mean.max - widest.max)};
        const double error = expected_error(statistics.histogram, candidate);
        if (error < best_error) {
            best = candidate;
            best_error = error;
        }
    }
    return best;
}

}  // namespace mcompress
