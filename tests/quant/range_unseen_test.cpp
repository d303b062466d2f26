// The range for samples to come, against draws from the distribution that it takes extremes for, and against brute force.
#include "quant/range_unseen.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "catch.h"
#include "quant/range_method.h"

using namespace mcompress;

namespace {

/// Samples of `elements` values from 0 to 1 whose greatest one is drawn with an exponential tail of the given scale.
TensorStatistics drawn(int samples, int elements, double scale, unsigned seed) {
    std::mt19937 random(seed);
    std::exponential_distribution<double> excess(1.0 / scale);
    std::uniform_real_distribution<double> inside(0.0, 1.0);
    TensorStatistics statistics;
    for (int sample = 0; sample < samples; ++sample) {
        std::vector<float> values(static_cast<std::size_t>(elements));
        for (float& value : values) value = static_cast<float>(inside(random));
        values[0] = static_cast<float>(1.0 + excess(random));
        statistics.add_sample(values);
    }
    return statistics;
}

double expected_error(double delta, double tail, double samples, double elements, double width, double levels) {
    const double step = (width + delta) / levels;
    return step * step / 12.0 + 2.0 * tail * tail * std::exp(-delta / tail) / ((samples + 1.0) * elements);
}

}  // namespace

TEST_CASE("range_beyond_seen: the margin is the one of least expected error", "[quant]") {
    const TensorStatistics statistics = drawn(100, 16, 0.3, 1);
    const std::optional<ValueRange> range = range_beyond_seen(statistics, 255.0);
    REQUIRE(range);
    CHECK(range->min == 0.0F);
    const double high = static_cast<double>(statistics.max);
    const double tail = (high - static_cast<double>(choose_mean_min_max(statistics).max)) / std::log(100.0);
    double best = 0.0, least = 1e9;
    for (double delta = 0.0; delta < 3.0; delta += 1e-4)
        if (const double error = expected_error(delta, tail, 100.0, 16.0, high, 255.0); error < least) {
            least = error;
            best = delta;
        }
    CHECK(static_cast<double>(range->max) - high > 0.02);
    CHECK(static_cast<double>(range->max) - high ==
          Approx(best).epsilon(0.1));  // in which the step's width is taken for that of what was seen
}

TEST_CASE("range_beyond_seen: clips less of further samples than everything seen does, at most draws", "[quant]") {
    int better = 0, draws = 0;
    for (unsigned seed = 0; seed < 40; ++seed) {
        const TensorStatistics fitted = drawn(32, 8, 0.4, 100 + seed), others = drawn(2000, 8, 0.4, 1000 + seed);
        const std::optional<ValueRange> range = range_beyond_seen(fitted, 255.0);
        REQUIRE(range);
        const auto error = [&](double high) {
            const double step = high / 255.0;
            double sum = 0.0;
            const std::span<const std::uint64_t> bins = others.histogram.positive();
            for (std::size_t bin = 0; bin < bins.size(); ++bin) {
                const double beyond = std::max(0.0, (static_cast<double>(bin) + 0.5) * others.histogram.bin_width() - high);
                sum += static_cast<double>(bins[bin]) * (beyond > 0.0 ? beyond * beyond : step * step / 12.0);
            }
            return sum;
        };
        ++draws;
        better += error(static_cast<double>(range->max)) < error(static_cast<double>(fitted.max)) ? 1 : 0;
    }
    CHECK(better > draws * 9 / 10);
}

TEST_CASE("range_beyond_seen: nothing where clipping pays, where extremes do not vary and where there is one sample", "[quant]") {
    CHECK_FALSE(range_beyond_seen(drawn(100, 20000, 0.05, 3), 255.0));
    CHECK(range_beyond_seen(drawn(100, 20000, 0.05, 3), 65535.0));  // steps so fine that clipping never pays
    CHECK_FALSE(range_beyond_seen(drawn(1, 16, 0.3, 4), 255.0));
    TensorStatistics bounded;
    for (int sample = 0; sample < 50; ++sample) bounded.add_sample(std::vector<float>{0.0F, 0.5F, 6.0F});
    CHECK_FALSE(range_beyond_seen(bounded, 255.0));
    CHECK_FALSE(range_beyond_seen({}, 255.0));
    TensorStatistics zeros;
    zeros.add_sample(std::vector<float>{0.0F});
    zeros.add_sample(std::vector<float>{0.0F});
    CHECK_FALSE(range_beyond_seen(zeros, 255.0));
}
