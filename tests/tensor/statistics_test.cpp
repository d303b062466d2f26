#include "tensor/statistics.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <limits>
#include <random>

#include "catch.h"
#include "support/error.h"

using namespace mcompress;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Values over many orders of magnitude, some of them zero.
std::vector<float> random_values(std::mt19937& random, std::size_t count, float scale) {
    std::normal_distribution<float> normal(0.1f, 1.0f);
    std::vector<float> values(count);
    for (float& value : values) value = random() % 4 == 0 ? 0.0f : normal(random) * scale;
    return values;
}

TensorStatistics statistics_of(const std::vector<std::vector<float>>& samples) {
    TensorStatistics statistics;
    for (const auto& sample : samples) statistics.add_sample(sample);
    return statistics;
}

std::uint64_t total(std::span<const std::uint64_t> counts) {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : counts) sum += count;
    return sum;
}

}  // namespace

TEST_CASE("a summary counts zeros, NaN and infinities and looks only at finite values for the range") {
    const std::vector<float> values{1.0f, -0.0f, kNan, 0.0f, -kInfinity, -2.5f, kInfinity, kInfinity};
    const ValueSummary summary = summarize(values);
    CHECK(summary.min == -2.5f);
    CHECK(summary.max == 1.0f);
    CHECK(summary.finite == 4);
    CHECK(summary.zeros == 2);
    CHECK(summary.nans == 1);
    CHECK(summary.infinities == 3);
    CHECK_FALSE(summary.all_finite());
}

TEST_CASE("a summary finds the one value that matters at any place") {
    for (const std::size_t size : {1u, 15u, 16u, 17u, 33u, 16384u, 16385u, 40001u}) {
        for (const std::size_t place : {std::size_t{0}, size / 2, size - 1}) {
            std::vector<float> values(size, 1.0f);
            values[place] = 3.0f;
            CHECK(summarize(values).max == 3.0f);
            values[place] = -3.0f;
            CHECK(summarize(values).min == -3.0f);
            values[place] = -0.0f;
            CHECK(summarize(values).zeros == 1);
            values[place] = kNan;
            const ValueSummary summary = summarize(values);
            CHECK(summary.nans == 1);
            CHECK(summary.finite == size - 1);
            CHECK(summary.max == (size == 1 ? 0.0f : 1.0f));
        }
    }
}

TEST_CASE("a negative zero never shows in the range") {
    const std::vector<float> values(20, -0.0f);
    const ValueSummary summary = summarize(values);
    CHECK_FALSE(std::signbit(summary.min));
    CHECK_FALSE(std::signbit(summary.max));
}

TEST_CASE("bins are anchored at zero and a power of two wide") {
    AnchoredHistogram histogram;
    histogram.add(std::vector<float>{0.0f, 1.0f, -3.5f, 3.99999f, kNan, kInfinity});
    CHECK(histogram.exponent() == -10);  // 3.99999 lies in the last of 4096 bins of 2^-10
    CHECK(histogram.bin_width() == 0x1p-10);
    CHECK(histogram.positive()[1024] == 1);
    CHECK(histogram.positive()[4095] == 1);
    CHECK(histogram.negative()[3584] == 1);
    CHECK(total(histogram.positive()) == 2);
    CHECK(total(histogram.negative()) == 1);
    histogram.add(std::vector<float>{4.0f});  // one beyond the last bin: neighbours merge
    CHECK(histogram.exponent() == -9);
    CHECK(histogram.positive()[512] == 1);
    CHECK(histogram.positive()[2047] == 1);
    CHECK(histogram.positive()[2048] == 1);
}

TEST_CASE("a side without values has no bins and zeros leave the histogram empty") {
    AnchoredHistogram histogram;
    histogram.add(std::vector<float>(10000, 0.0f));
    CHECK(histogram.empty());
    CHECK(histogram.exponent() == AnchoredHistogram::kMinExponent);
    histogram.add(std::vector<float>{-1.0f});
    CHECK(histogram.positive().empty());
    CHECK(histogram.negative().size() == 4096);
}

TEST_CASE("the extremes of float fit") {
    AnchoredHistogram histogram;
    constexpr float kLeast = std::numeric_limits<float>::denorm_min();
    constexpr float kGreatest = std::numeric_limits<float>::max();
    histogram.add(std::vector<float>{kLeast, -kLeast * 4095});
    CHECK(histogram.exponent() == AnchoredHistogram::kMinExponent);
    CHECK(histogram.positive()[1] == 1);
    CHECK(histogram.negative()[4095] == 1);
    histogram.add(std::vector<float>{kGreatest, -kGreatest});
    CHECK(histogram.exponent() == AnchoredHistogram::kMaxExponent);
    CHECK(histogram.positive()[0] == 1);
    CHECK(histogram.positive()[4095] == 1);
    CHECK(histogram.negative()[4095] == 1);
}

TEST_CASE("the vectorised binning counts what floor(|x|/w) says") {
    std::mt19937 random(7);
    for (const float scale : {1e-38f, 1e-30f, 1e-3f, 1.0f, 1e30f}) {
        std::vector<float> values = random_values(random, AnchoredHistogram::kThinnedFrom - 1, scale);
        values[17] = -0.0f;
        AnchoredHistogram histogram;
        histogram.add(values);
        std::vector<std::uint64_t> positive(4096, 0);
        std::vector<std::uint64_t> negative(4096, 0);
        for (const float x : values) {
            if (x == 0.0f) continue;
            ++(x > 0.0f ? positive : negative)
                  .at(static_cast<std::size_t>(std::floor(std::fabs(static_cast<double>(x)) / histogram.bin_width())));
        }
        CHECK(std::ranges::equal(histogram.positive(), positive));
        CHECK(std::ranges::equal(histogram.negative(), negative));
        std::uint64_t upper_half = 0;
        for (std::size_t bin = 2048; bin < 4096; ++bin) upper_half += positive[bin] + negative[bin];
        CHECK((upper_half > 0 || histogram.exponent() == AnchoredHistogram::kMinExponent));
    }
}

TEST_CASE("a quarter of a large sample is counted, four times, and no channel of any layout is favoured") {
    constexpr std::size_t kChannels = 64, kPixels = 4096;
    for (const bool channels_last : {false, true}) {
        std::vector<float> values(kChannels * kPixels);
        for (std::size_t channel = 0; channel < kChannels; ++channel)
            for (std::size_t pixel = 0; pixel < kPixels; ++pixel)
                values[channels_last ? pixel * kChannels + channel : channel * kPixels + pixel] = static_cast<float>(channel) + 1.0f;
        AnchoredHistogram histogram;
        const ValueSummary summary = histogram.add(values);
        CHECK(summary.finite == values.size());
        CHECK(summary.max == 64.0f);
        CHECK(total(histogram.positive()) == values.size());
        const auto bins_a_unit = static_cast<std::size_t>(1.0 / histogram.bin_width());
        for (std::size_t channel = 0; channel < kChannels; ++channel) {
            INFO("channel " << channel << " last " << channels_last);
            const auto found = static_cast<double>(histogram.positive()[(channel + 1) * bins_a_unit]);
            CHECK_THAT(found, Catch::Matchers::WithinRel(static_cast<double>(kPixels), 0.25));
        }
    }
}

TEST_CASE("what is rare in a large sample is counted all the same") {
    std::vector<float> values(1000000, 0.0f);
    for (std::size_t at = 5; at < values.size(); at += 4099) values[at] = 1.0f + static_cast<float>(at % 7);
    AnchoredHistogram histogram;
    const ValueSummary summary = histogram.add(values);
    CHECK(total(histogram.positive()) == values.size() - summary.zeros);
}

TEST_CASE("statistics do not depend on the order of samples, on sharding or on merging") {
    std::mt19937 random(11);
    std::vector<std::vector<float>> samples;
    for (int sample = 0; sample < 40; ++sample)
        samples.push_back(random_values(random, random() % 60000, std::ldexp(1.0f, static_cast<int>(random() % 40) - 20)));
    samples.push_back({});
    samples.push_back({kNan, kNan});
    samples.push_back({-0.0f, 0.0f, -0.0f});
    samples[3].assign(50000, -0.0f);
    samples[4][7 % samples[4].size()] = kInfinity;
    const TensorStatistics wanted = statistics_of(samples);
    CHECK(wanted.samples == samples.size() - 2);
    const auto binned = static_cast<double>(total(wanted.histogram.positive()) + total(wanted.histogram.negative()));
    CHECK_THAT(binned, Catch::Matchers::WithinRel(static_cast<double>(wanted.count - wanted.zeros), 0.01));

    std::shuffle(samples.begin(), samples.end(), random);
    CHECK(statistics_of(samples) == wanted);

    std::vector<TensorStatistics> shards(7);
    for (std::size_t at = 0; at < samples.size(); ++at) shards[at % 7].add_sample(samples[at]);
    TensorStatistics merged;
    for (std::size_t shard = shards.size(); shard-- > 0;) merged.merge(shards[shard]);
    CHECK(merged == wanted);
    TensorStatistics pairwise = shards[2];
    for (const std::size_t shard : {5u, 0u, 6u, 1u, 3u, 4u}) {
        TensorStatistics other = shards[shard];
        other.merge(pairwise);
        pairwise = other;
    }
    CHECK(pairwise == wanted);
}

TEST_CASE("ranges, sums and histogram do not depend on how elements are split where they must not") {
    std::mt19937 random(3);
    const std::vector<float> values = random_values(random, AnchoredHistogram::kThinnedFrom - 1, 5.0f);
    AnchoredHistogram whole;
    whole.add(values);
    AnchoredHistogram parts;
    for (std::size_t at = 0; at < values.size(); at += 777)
        parts.add(std::span(values).subspan(at, std::min<std::size_t>(777, values.size() - at)));
    CHECK(whole == parts);
}

TEST_CASE("per-sample minima and maxima are summed exactly") {
    TensorStatistics statistics;
    statistics.add_sample(std::vector<float>{-1.0f, 2.0f});
    statistics.add_sample(std::vector<float>{1.0f, 5.0f});
    CHECK(statistics.min == -1.0f);
    CHECK(statistics.max == 5.0f);
    CHECK(statistics.sum_of_minima.value() == 0.0);
    CHECK(statistics.sum_of_maxima.value() == 7.0);
    CHECK(statistics.samples == 2);
}

TEST_CASE("an exact sum is the correctly rounded sum in any order") {
    SECTION("cancellation leaves what a double would have lost") {
        ExactSum sum;
        for (const double value : {0x1p127, 1.0, -0x1p127, 0x1p-149, -1.0}) sum.add(value);
        CHECK(sum.value() == 0x1p-149);
        sum.add(-0x1p-149);
        CHECK(sum.value() == 0.0);
        CHECK(sum == ExactSum{});
    }
    SECTION("rounds half to even, with everything below counted") {
        ExactSum sum;
        sum.add(0x1p53);
        sum.add(1.0);
        CHECK(sum.value() == 0x1p53);  // a tie, 2^53 is even
        sum.add(0x1p-149);
        CHECK(sum.value() == 0x1p53 + 2.0);
        sum.add(-0x1p-149);
        sum.add(2.0);
        CHECK(sum.value() == 0x1p53 + 4.0);  // 2^53 + 3 is a tie again
        ExactSum negative;
        negative.add(-0x1p53);
        negative.add(-1.0);
        negative.add(-0x1p-149);
        CHECK(negative.value() == -0x1p53 - 2.0);
    }
    SECTION("the same for every order and grouping") {
        std::mt19937 random(5);
        std::vector<float> values;
        for (int at = 0; at < 3000; ++at) {
            const auto bits = static_cast<std::uint32_t>(random());
            const float value = std::bit_cast<float>(bits);
            if (std::isfinite(value)) values.push_back(value);
        }
        ExactSum forward;
        for (const float value : values) forward.add(static_cast<double>(value));
        std::shuffle(values.begin(), values.end(), random);
        ExactSum halves[2];
        for (std::size_t at = 0; at < values.size(); ++at) halves[at % 2].add(static_cast<double>(values[at]));
        halves[1].add(halves[0]);
        CHECK(forward == halves[1]);
        CHECK(ExactSum::from_words(forward.words()) == forward);
        long double reference = 0.0L;  // of the greatest values only the leading digits matter
        for (const float value : values) reference += static_cast<long double>(value);
        CHECK(forward.value() == Approx(static_cast<double>(reference)).epsilon(1e-9));
    }
    SECTION("every power of two alone") {
        for (int exponent = -149; exponent < 128; ++exponent)
            for (const double sign : {1.0, -1.0}) {
                ExactSum sum;
                sum.add(sign * std::ldexp(1.0, exponent));
                CHECK(sum.value() == sign * std::ldexp(1.0, exponent));
            }
    }
}

TEST_CASE("stored statistics that cannot be are refused") {
    CHECK_THROWS_AS(AnchoredHistogram::from_counts(117, {}, {}), Error);
    CHECK_THROWS_AS(AnchoredHistogram::from_counts(-150, {}, {}), Error);
    CHECK_THROWS_AS(AnchoredHistogram::from_counts(0, std::vector<std::uint64_t>(5), {}), Error);
    CHECK_THROWS_AS(ExactSum::from_words(std::vector<std::uint64_t>(4)), Error);
    AnchoredHistogram histogram;
    histogram.add(std::vector<float>{1.0f, 2.0f});
    const auto positive = histogram.positive();
    CHECK(AnchoredHistogram::from_counts(histogram.exponent(), {positive.begin(), positive.end()}, {}) == histogram);
}

TEST_CASE("how fast statistics are", "[bench]") {
    std::mt19937 random(1);
    std::vector<float> signed_values(1200000);
    std::normal_distribution<float> normal;
    for (float& value : signed_values) value = normal(random);
    std::vector<float> rectified = signed_values;
    for (float& value : rectified) value = std::max(value, 0.0f);
    std::vector<float> small(rectified.begin(), rectified.begin() + 20000);
    for (const auto& [name, values] :
         {std::pair{"normal", &signed_values}, std::pair{"rectified", &rectified}, std::pair{"small", &small}}) {
        const int rounds = static_cast<int>(100'000'000 / values->size());
        const auto seconds = [](auto&& body) {  // of processor time, so that a busy machine does not show
            const std::clock_t start = std::clock();
            body();
            return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
        };
        float sink = 0.0f;
        const double scan = seconds([&] {
            for (int round = 0; round < rounds; ++round) sink += summarize(*values).max;
        });
        TensorStatistics statistics;
        const double all = seconds([&] {
            for (int round = 0; round < rounds; ++round) statistics.add_sample(*values);
        });
        const double floats = rounds * static_cast<double>(values->size());
        WARN(name << ": summary " << floats / scan / 1e6 << " M/s, add_sample " << floats / all / 1e6 << " M/s");
        CHECK(sink > 0.0f);
        CHECK(statistics.samples == static_cast<std::uint64_t>(rounds));
    }
}
