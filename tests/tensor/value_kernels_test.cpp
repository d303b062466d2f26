#include "tensor/value_kernels.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "catch.h"

using namespace mcompress;

namespace {

struct Counted {
    std::vector<std::uint32_t> counts = std::vector<std::uint32_t>(2 * AnchoredHistogram::kBins);
    ValueSummary summary;
    std::size_t done = 0;
};

Counted count(const ValueKernels& kernels, std::span<const float> values, float scale, float lowest, float highest) {
    Counted result;
    result.done = kernels.count(values, {result.counts.data(), scale, lowest, highest}, result.summary);
    return result;
}

/// By the definition, in double, value by value.
std::vector<std::uint32_t> expected_counts(std::span<const float> values, double scale) {
    std::vector<std::uint32_t> counts(2 * AnchoredHistogram::kBins);
    for (const float x : values)
        if (x != 0.0f) ++counts[static_cast<std::size_t>(std::floor(std::fabs(static_cast<double>(x)) * scale)) + (x < 0.0f ? 4096u : 0u)];
    return counts;
}

template <class Action> void for_each_usable(const Action& action) {
    for (const ValueKernels& kernels : all_value_kernels()) {
        if (!kernels.is_usable()) continue;
        INFO(kernels.name);
        action(kernels);
    }
}

}  // namespace

TEST_CASE("the kernels of every processor count as the definition says") {
    REQUIRE(all_value_kernels().back().is_usable());
    std::mt19937 random(7);
    std::normal_distribution<float> normal(0.2f, 1.0f);
    for (const std::size_t size : {1u, 3u, 15u, 16u, 17u, 63u, 64u, 2047u, 2048u, 2049u, 5000u}) {
        std::vector<float> values(size);
        for (float& value : values)
            value = random() % 3 == 0 ? (random() % 2 == 0 ? 0.0f : -0.0f) : std::clamp(normal(random), -3.9f, 3.9f);
        values[size / 2] = 1e-40f;  // subnormal, in bin 0
        for_each_usable([&](const ValueKernels& kernels) {
            const Counted both = count(kernels, values, 1024.0f, -3.999f, 3.999f);
            CHECK(both.done == size);
            CHECK(both.counts == expected_counts(values, 1024.0));
            CHECK(both.summary.finite == size);
            CHECK(both.summary.zeros == static_cast<std::uint64_t>(std::count(values.begin(), values.end(), 0.0f)));
            CHECK(both.summary.min == *std::min_element(values.begin(), values.end()));
            CHECK(both.summary.max == *std::max_element(values.begin(), values.end()));
            ValueSummary summary;
            REQUIRE(kernels.summarize(values, summary));
            CHECK(summary.min == both.summary.min);
            CHECK(summary.max == both.summary.max);
            CHECK(summary.zeros == both.summary.zeros);

            std::vector<float> rectified = values;
            for (float& value : rectified) value = std::max(value, 0.0f);
            const Counted above = count(kernels, rectified, 1024.0f, 0.0f, 3.999f);
            CHECK(above.done == size);
            CHECK(above.counts == expected_counts(rectified, 1024.0));
            for (float& value : rectified) value = -value;
            const Counted below = count(kernels, rectified, 1024.0f, -3.999f, 0.0f);
            CHECK(below.done == size);
            CHECK(below.counts == expected_counts(rectified, 1024.0));
        });
    }
}

TEST_CASE("runs of one value are counted as well") {
    std::vector<float> values(6000, 0.75f);
    std::fill(values.begin() + 100, values.begin() + 2500, 0.5f);
    values[3000] = 0.25f;
    for_each_usable([&](const ValueKernels& kernels) {
        CHECK(count(kernels, values, 4096.0f, 0.0f, 0.9999f).counts == expected_counts(values, 4096.0));
    });
}

TEST_CASE("a piece that holds a value without a bin is not counted, nor what follows") {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    for (const float stranger : {1.5f, -0.5f, -1.5f, kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()})
        for (const std::size_t place : {0u, 5u, 2047u, 2048u, 2061u, 4999u, 5000u}) {
            std::vector<float> values(5001, 0.5f);
            values[place] = stranger;
            for_each_usable([&](const ValueKernels& kernels) {
                const Counted found = count(kernels, values, 4096.0f, 0.0f, 1.0f);
                const std::size_t before = place / kCountedPiece * kCountedPiece;
                CHECK(found.done == before);
                CHECK(found.summary.finite == before);
                CHECK(found.counts == expected_counts(std::span(values).first(before), 4096.0));
                ValueSummary summary;
                CHECK(kernels.summarize(values, summary) == std::isfinite(stranger));
            });
        }
}

TEST_CASE("the kernels of every processor count the same part") {
    const auto [counting, of, bits] = GENERATE(std::tuple(Counting::Quarter, 4u, 2u), std::tuple(Counting::Eighth, 8u, 3u));
    std::mt19937 random(11);
    std::normal_distribution<float> normal(0.2f, 1.0f);
    for (const std::size_t size : {2048u, 2063u, 2064u, 2065u, 2080u, 2100u, 4096u, 40001u}) {
        std::vector<float> values(size);
        for (float& value : values) value = random() % 3 == 0 ? 0.0f : std::clamp(normal(random), -3.9f, 3.9f);
        std::fill_n(values.begin(), size / 3, 0.0f);
        values[3] = 1.5f;  // the only one of the first pieces
        for (const float least : {-3.9f, 0.0f}) {
            for (float& value : values) value = std::max(value, least);
            // By the definition: of four or eight groups of 16 the one that the piece's word chooses, unless little of the piece is not 0.
            std::vector<std::uint32_t> expected(2 * AnchoredHistogram::kBins);
            for (std::size_t begin = 0; begin < size; begin += 2048) {
                const std::uint64_t word = choice_of_piece(3 + begin / 2048);
                const std::size_t end = std::min(begin + 2048, size);
                const bool is_whole =
                    static_cast<std::size_t>(std::count(values.begin() + begin, values.begin() + end, 0.0f)) + 256 >= end - begin;
                for (std::size_t at = begin; at < end; ++at) {
                    const std::size_t group = (at - begin) / 16;
                    if (values[at] == 0.0f || (!is_whole && (word >> (group / of * bits) & (of - 1)) != group % of)) continue;
                    expected[static_cast<std::size_t>(std::fabs(values[at]) * 1024.0f) + (values[at] < 0.0f ? 4096u : 0u)] +=
                        is_whole ? 1 : of;
                }
            }
            for_each_usable([&](const ValueKernels& kernels) {
                Counted found;
                found.done = kernels.count(values,
                                           {.counts = found.counts.data(),
                                            .scale = 1024.0f,
                                            .lowest = least < 0.0f ? -3.999f : 0.0f,
                                            .highest = 3.999f,
                                            .counting = counting,
                                            .first_piece = 3},
                                           found.summary);
                CHECK(found.done == size);
                CHECK(found.counts == expected);
                CHECK(found.summary.zeros == static_cast<std::uint64_t>(std::count(values.begin(), values.end(), 0.0f)));
            });
        }
    }
}
