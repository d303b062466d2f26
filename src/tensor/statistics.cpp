#include "tensor/statistics.h"

#include <algorithm>
#include <cmath>

#include "support/error.h"

namespace mcompress {

namespace {

// Four floats at a time: what every x86-64 and ARM64 processor has.
constexpr std::size_t kLanes = 4;
typedef float Floats __attribute__((vector_size(16)));
typedef std::int32_t Ints __attribute__((vector_size(16)));

Floats load(const float* values) {
    Floats result;
    __builtin_memcpy(&result, values, sizeof result);
    return result;
}

struct Accumulator {
    Floats low = {};
    Floats high = {};
    Ints zeros = {};
    Floats poison = {};  // 0·x is 0 for finite x and NaN otherwise

    void add(Floats x) {
        low = x < low ? x : low;
        high = x > high ? x : high;
        zeros -= x == 0.0f;
        poison += x * 0.0f;
    }
};

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

/// A block of finite values; false, leaving the summary alone, when there are others. The size is a multiple of 4·kLanes and not 0.
bool summarize_finite(std::span<const float> block, ValueSummary& summary) {
    std::array<Accumulator, 4> parts;
    for (auto& part : parts) part.low = part.high = load(block.data());
    for (std::size_t at = 0; at < block.size(); at += parts.size() * kLanes)
        for (std::size_t part = 0; part < parts.size(); ++part) parts[part].add(load(&block[at + part * kLanes]));
    float poison = 0.0f;
    float low = block[0];
    float high = block[0];
    std::uint64_t zeros = 0;
    for (const Accumulator& part : parts)
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            poison += part.poison[lane];
            low = std::min(low, part.low[lane]);
            high = std::max(high, part.high[lane]);
            zeros += static_cast<std::uint64_t>(part.zeros[lane]);
        }
    if (poison != 0.0f) return false;
    summary.min = summary.finite == 0 ? low : std::min(summary.min, low);
    summary.max = summary.finite == 0 ? high : std::max(summary.max, high);
    summary.zeros += zeros;
    summary.finite += block.size();
    return true;
}

}  // namespace

ValueSummary summarize(std::span<const float> values) {
    constexpr std::size_t kBlock = std::size_t{1} << 14;  // also keeps the 32-bit counters of a lane small
    constexpr std::size_t kStep = 4 * kLanes;
    ValueSummary summary;
    while (!values.empty()) {
        const auto block = values.first(std::min(kBlock, values.size()));
        const auto even = block.first(block.size() / kStep * kStep);
        if (!even.empty() && summarize_finite(even, summary)) summarize_slowly(block.subspan(even.size()), summary);
        else summarize_slowly(block, summary);
        values = values.subspan(block.size());
    }
    summary.min += 0.0f;  // -0 and 0 are equal: which comes first must not show
    summary.max += 0.0f;
    return summary;
}

void TensorStatistics::add_sample(std::span<const float> values) {
    const ValueSummary summary = summarize(values);
    nan_count += summary.nans;
    infinite_count += summary.infinities;
    if (summary.finite == 0) return;
    min = count == 0 ? summary.min : std::min(min, summary.min);
    max = count == 0 ? summary.max : std::max(max, summary.max);
    count += summary.finite;
    zeros += summary.zeros;
    ++samples;
    sum_of_minima.add(static_cast<double>(summary.min));
    sum_of_maxima.add(static_cast<double>(summary.max));
    histogram.add(values, summary);
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
