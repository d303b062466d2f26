#include "tune/range_candidates.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "quant/range_method.h"

namespace mcompress {
namespace {

constexpr double kDistinct = 0.96;  // of two ranges that differ by less in width one is enough

constexpr double kNear = 0.7;  // nearer is no use

ValueRange around_zero(ValueRange range) { return {std::min(range.min, 0.0f), std::max(range.max, 0.0f)}; }

double width(ValueRange range) { return static_cast<double>(range.max) - static_cast<double>(range.min); }

ValueRange between(ValueRange a, ValueRange b) { return {(a.min + b.min) / 2, (a.max + b.max) / 2}; }

}  // namespace

std::vector<ValueRange> range_candidates(const TensorStatistics& statistics, const std::optional<ValueRange>& wider) {
    std::vector<ValueRange> all;
    for (const char* method :
         {"min-max", "mean-min-max", "least-error", "percentile:99.9", "percentile:99.99", "percentile:99.999", "entropy", "mse", "octav"})
        all.push_back(around_zero(find_range_method(method).choose(statistics)));
    const ValueRange mean = all[1];
    if (wider) all[0] = *wider;
    for (const float share : {0.85f, 0.7f}) all.push_back({mean.min * share, mean.max * share});
    std::stable_sort(all.begin(), all.end(), [](ValueRange a, ValueRange b) { return width(a) > width(b); });
    std::vector<ValueRange> distinct{all.front()};
    for (const ValueRange& range : all)
        if (width(range) > 0.0 && width(range) < kDistinct * width(distinct.back())) distinct.push_back(range);
    for (std::size_t at = 1; at < distinct.size(); ++at)
        while (width(distinct[at]) < kNear * width(distinct[at - 1]))
            distinct.insert(distinct.begin() + static_cast<std::ptrdiff_t>(at), between(distinct[at - 1], distinct[at]));
    return distinct;
}

std::size_t nearest_candidate(const std::vector<ValueRange>& candidates, ValueRange range) {
    const double wanted = width(around_zero(range));
    std::size_t nearest = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t at = 0; at < candidates.size(); ++at)
        if (const double off = std::fabs(width(candidates[at]) - wanted); off < least) {
            nearest = at;
            least = off;
        }
    return nearest;
}

}  // namespace mcompress
