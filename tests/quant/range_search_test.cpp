// Range methods that look at the whole distribution, where the answer is known: from a plain computation of the definition, from the literature's
// self-test (normal values with rare outliers), or from closed forms. And the traps that others fell into.
#include <algorithm>
#include <cmath>
#include <random>

#include "catch.h"
#include "quant/affine.h"
#include "quant/range_method.h"
#include "support/error.h"

using namespace mcompress;

namespace {

std::vector<float> normal_values(std::size_t count, unsigned seed = 1) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> values(count);
    for (float& value : values) value = normal(random);
    return values;
}

TensorStatistics statistics_of(std::span<const float> values) {
    TensorStatistics statistics;
    constexpr std::size_t kSample = AnchoredHistogram::kThinnedFrom - 1;  // counted exactly
    for (std::size_t at = 0; at < values.size(); at += kSample)
        statistics.add_sample(values.subspan(at, std::min(kSample, values.size() - at)));
    return statistics;
}

ValueRange choose(std::string_view method, const TensorStatistics& statistics) { return find_range_method(method).choose(statistics); }

/// Four million normal values, one in ten thousand of them at 50 sigma.
const TensorStatistics& with_outliers() {
    static const TensorStatistics statistics = [] {
        std::vector<float> values = normal_values(4'000'000);
        for (std::size_t at = 0; at < values.size(); at += 10'000) values[at] = at % 20'000 == 0 ? 50.0f : -50.0f;
        return statistics_of(values);
    }();
    return statistics;
}

/// The divergence of range_entropy.cpp's head comment, bin by bin and level by level.
double divergence(const std::vector<double>& counts, std::size_t length, std::size_t levels) {
    double total = 0.0;
    for (const double count : counts) total += count;
    std::vector<double> p(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(length)), q(length, 0.0);
    for (double& share : p) share /= total;
    const std::vector<double> inside = p;
    for (std::size_t bin = length; bin < counts.size(); ++bin) p[length - 1] += counts[bin] / total;
    const double step = static_cast<double>(length) / static_cast<double>(levels);
    for (std::size_t level = 0; level < levels; ++level) {
        const double begin = static_cast<double>(level) * step, end = begin + step;
        const auto covered = [&](std::size_t bin) {
            const auto at = static_cast<double>(bin);
            return std::max(0.0, std::min(end, at + 1.0) - std::max(begin, at));
        };
        double mass = 0.0, filled = 0.0;
        for (std::size_t bin = 0; bin < length; ++bin) {
            mass += covered(bin) * inside[bin];
            filled += inside[bin] > 0.0 ? covered(bin) : 0.0;
        }
        for (std::size_t bin = 0; bin < length && filled > 0.0; ++bin)
            if (inside[bin] > 0.0) q[bin] += covered(bin) * mass / filled;
    }
    double p_total = 0.0, q_total = 0.0, sum = 0.0;
    for (std::size_t bin = 0; bin < length; ++bin) {
        p_total += p[bin] + 1e-4;
        q_total += q[bin] + 1e-4;
    }
    for (std::size_t bin = 0; bin < length; ++bin)
        sum += (p[bin] + 1e-4) / p_total * std::log(((p[bin] + 1e-4) / p_total) / ((q[bin] + 1e-4) / q_total));
    return sum;
}

}  // namespace

TEST_CASE("a parameter follows a colon and is checked", "[quant][trap26]") {
    CHECK(find_range_method("percentile").parameter == 99.99);
    CHECK(find_range_method("percentile:99.999").parameter == 99.999);
    for (const char* wrong :
         {"percentile:", "percentile:x", "percentile:101", "percentile:0.9", "percentile:nan", "percentile:99.9 ", "min-max:1"})
        CHECK_THROWS_AS(find_range_method(wrong), Error);
}

TEST_CASE("percentiles of known distributions", "[quant]") {
    CHECK(choose("percentile:99.9", with_outliers()).max == Approx(3.29).margin(0.15));
    CHECK(choose("percentile:99.9", with_outliers()).min == Approx(-3.29).margin(0.15));
    CHECK(choose("percentile:99.999", with_outliers()).max == Approx(50.0).margin(0.1));
    CHECK(choose("percentile:100", with_outliers()) == choose("min-max", with_outliers()));

    std::vector<float> even(100'000);  // of one sign: the whole share is cut off at the one end
    for (std::size_t at = 0; at < even.size(); ++at) even[at] = static_cast<float>(at + 1) / 100'000.0f;
    CHECK(choose("percentile:99", statistics_of(even)).max == Approx(0.99).margin(1e-4));
    for (float& value : even) value = -value;
    CHECK(choose("percentile:99", statistics_of(even)).min == Approx(-0.99).margin(1e-4));
}

TEST_CASE("clipping values that are all one leaves that value", "[quant]") {
    for (const char* method : {"percentile:50", "octav"})
        for (const float value : {2.0f, -2.0f, 0.3f}) {
            CAPTURE(method, value);
            const ValueRange range = choose(method, statistics_of(std::vector<float>(100, value)));
            CHECK(range.min == value);
            CHECK(range.max == value);
        }
}

TEST_CASE("entropy finds the least of all divergences, computed plainly", "[quant]") {
    std::vector<float> values = normal_values(40'000, 5);
    for (std::size_t at = 0; at < values.size(); at += 2000) values[at] = 20.0f;
    for (const bool rectified : {false, true}) {
        if (rectified)
            for (float& value : values) value = std::max(value, 0.0f);
        const TensorStatistics statistics = statistics_of(values);
        std::vector<double> counts(AnchoredHistogram::kBins, 0.0);
        for (const auto side : {statistics.histogram.positive(), statistics.histogram.negative()})
            for (std::size_t bin = 0; bin < side.size(); ++bin) counts[bin] += static_cast<double>(side[bin]);
        while (counts.back() == 0.0) counts.pop_back();
        const std::size_t levels = rectified ? 256 : 128;
        const float chosen = choose("entropy", statistics).max;
        REQUIRE(chosen < statistics.max);
        const auto length = static_cast<std::size_t>(std::lround(static_cast<double>(chosen) / statistics.histogram.bin_width() - 0.5));
        const double found = divergence(counts, length, levels);
        for (std::size_t other = levels; other <= counts.size(); other += 8) CHECK(found <= divergence(counts, other, levels) + 1e-12);
        for (std::size_t other = length - 7; other < length + 8; ++other) CHECK(found <= divergence(counts, other, levels) + 1e-12);
    }
}

TEST_CASE("trap 1: entropy clips rare outliers, and does not where bins are no finer than codes", "[quant]") {
    const ValueRange range = choose("entropy", with_outliers());
    CHECK(range.max > 4.0f);
    CHECK(range.max < 6.5f);
    CHECK(range.min == -range.max);
    TensorStatistics coarse;  // of the narrowest floats there are
    coarse.add_sample(std::vector<float>{1e-44f, 2e-44f, 3e-43f});
    CHECK(choose("entropy", coarse) == choose("min-max", coarse));
}

TEST_CASE("trap 2: counts of one stay shares, they do not vanish", "[quant]") {
    std::vector<float> values = normal_values(20'000, 9);
    const TensorStatistics once = statistics_of(values);
    TensorStatistics often;
    for (int round = 0; round < 1000; ++round) often.add_sample(values);  // a thousand times as many of each
    CHECK(choose("entropy", often) == choose("entropy", once));
}

TEST_CASE("traps 3 and 4: neither the first sample's range nor its size shapes the histogram", "[quant]") {
    std::vector<std::vector<float>> samples = {
        std::vector<float>(3000, 1e-3f), normal_values(50'000, 2), normal_values(5000, 3), {0.0f, 7.0f}};
    for (float& value : samples[2]) value *= 4.0f;
    TensorStatistics forward, backward;
    for (std::size_t at = 0; at < samples.size(); ++at) {
        forward.add_sample(samples[at]);
        backward.add_sample(samples[samples.size() - 1 - at]);
    }
    CHECK(forward == backward);
    for (const RangeMethod& method : all_range_methods()) {
        INFO(method.name);
        const ValueRange range = method.choose(forward, method.parameter);
        CHECK(range == method.choose(backward, method.parameter));
        CHECK(range.max > 1.0f);  // the first sample's was 0.001
    }
}

TEST_CASE("trap 28: exact zeros do not count", "[quant]") {
    std::vector<float> rectified = normal_values(200'000, 4);
    for (float& value : rectified) value = std::max(value, 0.0f);
    std::vector<float> positive = rectified, mostly_zero = rectified;
    std::erase(positive, 0.0f);
    mostly_zero.resize(3'000'000, 0.0f);
    for (const char* method : {"entropy", "percentile", "mse", "octav"}) {
        INFO(method);
        CHECK(choose(method, statistics_of(mostly_zero)).max == choose(method, statistics_of(positive)).max);
        CHECK(choose(method, statistics_of(mostly_zero)).max > 2.5f);
    }
}

TEST_CASE("mse and octav keep outliers that matter and clip those that do not", "[quant]") {
    // 400 values at 50: OCTAV's fixed point is 400·50/(400 + 4e6·4^-8/3) = 47.6.
    CHECK(choose("octav", with_outliers()).max == Approx(47.6).margin(0.1));
    CHECK(choose("mse", with_outliers()).max == Approx(47.6).margin(1.5));
    // The best clipping of normal values to 8 bits: 3.92 sigma (ACIQ, table 1).
    const TensorStatistics normal = statistics_of(normal_values(4'000'000));
    CHECK(choose("octav", normal).max == Approx(3.92).margin(0.1));
    CHECK(choose("mse", normal).max == Approx(3.92).margin(0.15));
}

TEST_CASE("mse is the least error by quantizing every value, over its own grid of ranges", "[quant]") {
    std::vector<float> values = normal_values(6000, 6);
    for (float& value : values) value = value < 0.0f ? value * 0.05f : value * value;  // one end much nearer than the other
    const TensorStatistics statistics = statistics_of(values);
    const auto error_of = [&](ValueRange range) {
        const QuantParams params = choose_params(range, DType::UInt8, Symmetry::Asymmetric);
        double sum = 0.0;
        for (const float x : values) {
            const std::int32_t code = quantize_value(x, params.scale, params.zero_point, integer_range(DType::UInt8));
            const double off = static_cast<double>(x) - static_cast<double>(dequantize_value(code, params.scale, params.zero_point));
            sum += off * off;
        }
        return sum;
    };
    const double found = error_of(choose("mse", statistics));
    for (int low = 0; low <= 100; low += 5)
        for (int high = 5; high <= 100; high += 5)
            CHECK(found <=
                  1.02 * error_of({statistics.min * static_cast<float>(low) / 100, statistics.max * static_cast<float>(high) / 100}));
}

TEST_CASE("methods give a range for whatever was seen", "[quant]") {
    for (const std::vector<float>& values :
         {std::vector<float>{}, {0.0f, 0.0f}, {3.0f, 3.0f, 3.0f}, {-2.0f, -2.0f}, {3e38f, -3e38f}, {1e-45f}, {-1e-45f, 2.0f}}) {
        const TensorStatistics statistics = statistics_of(values);
        for (const RangeMethod& method : all_range_methods()) {
            INFO(method.name);
            const ValueRange range = method.choose(statistics, method.parameter);
            CHECK(range.min <= range.max);  // false for NaN
            CHECK(std::isfinite(range.min));
            CHECK(std::isfinite(range.max));
            CHECK(std::min(range.min, 0.0f) >= std::min(statistics.min, 0.0f));
            CHECK(std::max(range.max, 0.0f) <= std::max(statistics.max, 0.0f));
        }
    }
}

TEST_CASE("a moving average over every order of the samples is what moving-average gives", "[quant]") {
    const std::vector<float> maxima = {1.0f, 5.0f, 2.5f, 9.0f, 4.0f};
    TensorStatistics statistics;
    for (const float value : maxima) statistics.add_sample(std::vector<float>{-value / 2, value});
    std::vector<std::size_t> order = {0, 1, 2, 3, 4};
    double sum = 0.0, orders = 0.0;
    do {
        double average = maxima[order[0]];
        for (std::size_t at = 1; at < order.size(); ++at) average += 0.01 * (maxima[order[at]] - average);
        sum += average;
        ++orders;
    } while (std::next_permutation(order.begin(), order.end()));
    CHECK(choose("moving-average", statistics).max == Approx(sum / orders));
    CHECK(choose("moving-average", statistics).min == Approx(-sum / orders / 2));
}
