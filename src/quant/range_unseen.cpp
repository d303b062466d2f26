#include "quant/range_unseen.h"

#include <cmath>

#include "quant/range_method.h"

namespace mcompress {
namespace {

/// How far beyond the greatest of all extremes, which are `above_mean` below it on average.
double margin(double above_mean, double samples, double elements, double width, double levels) {
    const double tail = above_mean / std::log(samples);
    if (!(tail > 0.0)) return 0.0;
    return tail * std::max(0.0, std::log(12.0 * tail * levels * levels / ((samples + 1.0) * elements * width)));
}

}  // namespace

std::optional<ValueRange> range_beyond_seen(const TensorStatistics& statistics, double levels) {
    if (statistics.samples < 2 || statistics.count == 0) return std::nullopt;
    const ValueRange mean = choose_mean_min_max(statistics);
    const double low = std::min(0.0, static_cast<double>(statistics.min)), high = std::max(0.0, static_cast<double>(statistics.max));
    const auto samples = static_cast<double>(statistics.samples);
    const double elements = static_cast<double>(statistics.count) / samples;
    if (!(high > low)) return std::nullopt;
    // An end at 0 is that of the codes, whatever was seen: nothing is clipped there.
    const double below = low < 0.0 ? margin(static_cast<double>(mean.min) - low, samples, elements, high - low, levels) : 0.0;
    const double above = high > 0.0 ? margin(high - static_cast<double>(mean.max), samples, elements, high - low, levels) : 0.0;
    const ValueRange wider{static_cast<float>(low - below), static_cast<float>(high + above)};
    if (!(below + above > 0.0) || !std::isfinite(wider.min) || !std::isfinite(wider.max)) return std::nullopt;
    return wider;
}

}  // namespace mcompress
