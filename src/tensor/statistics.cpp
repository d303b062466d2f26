#include "tensor/statistics.h"

#include <algorithm>
#include <cmath>

#include "support/error.h"
#include "tensor/value_kernels.h"

namespace mcompress {

namespace {

void summarize_slowly(std::span<const float> values, ValueSummary& summary) {
    for (const float x : values) {
        if (std::isnan(x)) {
            ++summary.nans;
        } else if (std::isinf(x)) {
            ++summary.infinities;
        } else {
            summary.min = summary.finite == 0 ? x : std::min(summary.min, x);
            summary.max = summary.finite == 0 ? x : std::max(summary.max, x);
            summary.zeros += x == 0.0f ? 1 : 0;
            ++summary.finite;
        }
    }
}

}  // namespace

void ValueSummary::add(const ValueSummary& other) {
    if (other.finite > 0) {
        min = finite == 0 ? other.min : std::min(min, other.min);
        max = finite == 0 ? other.max : std::max(max, other.max);
    }
    finite += other.finite;
    zeros += other.zeros;
    nans += other.nans;
    infinities += other.infinities;
}

ValueSummary summarize(std::span<const float> values) {
    constexpr std::size_t kBlock = std::size_t{1} << 14;
    static const ValueKernels& kernels = best_value_kernels();
    ValueSummary summary;
    while (!values.empty()) {
        const auto block = values.first(std::min(kBlock, values.size()));
        if (!kernels.summarize(block, summary)) summarize_slowly(block, summary);
        values = values.subspan(block.size());
    }
    summary.min += 0.0f;  // -0 and 0 are equal: which comes first must not show
    summary.max += 0.0f;
    return summary;
}

void TensorStatistics::add_sample(std::span<const float> values, std::size_t thinned_from) {
    const ValueSummary sample = histogram.add(values, thinned_from);
    nan_count += sample.nans;
    infinite_count += sample.infinities;
    if (sample.finite == 0) return;
    min = count == 0 ? sample.min : std::min(min, sample.min);
    max = count == 0 ? sample.max : std::max(max, sample.max);
    count += sample.finite;
    zeros += sample.zeros;
    ++samples;
    sum_of_minima.add(static_cast<double>(sample.min));
    sum_of_maxima.add(static_cast<double>(sample.max));
}

void TensorStatistics::merge(const TensorStatistics& other) {
    nan_count += other.nan_count;
    infinite_count += other.infinite_count;
    if (other.count == 0) return;
    min = count == 0 ? other.min : std::min(min, other.min);
    max = count == 0 ? other.max : std::max(max, other.max);
    count += other.count;
    zeros += other.zeros;
    samples += other.samples;
    sum_of_minima.add(other.sum_of_minima);
    sum_of_maxima.add(other.sum_of_maxima);
    histogram.merge(other.histogram);
}

}  // namespace mcompress
