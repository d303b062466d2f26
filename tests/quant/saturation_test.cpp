// Products added in 16 bits: the arithmetic against the processor's own, the test of a row against brute force, and what limiting a row costs.
#include "quant/saturation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <random>

#include "catch.h"
#include "quant/row_rounding.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace mcompress;

namespace {

std::int8_t code(int value) { return static_cast<std::int8_t>(value); }

bool same_sign(int p, int q) { return (p < 0) == (q < 0); }

std::vector<float> random_row(std::size_t length, std::uint32_t seed, float mean) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(mean, 1.0F);
    std::vector<float> row(length);
    for (float& weight : row) weight = normal(random);
    return row;
}

float full_scale(std::span<const float> row) {
    float largest = 0.0F;
    for (const float weight : row) largest = std::max(largest, std::fabs(weight));
    return largest / 127.0F;
}

double squared_error(std::span<const float> row, std::span<const std::int8_t> codes, float scale) {
    double sum = 0.0;
    for (std::size_t at = 0; at < row.size(); ++at)
        sum += std::pow(static_cast<double>(row[at] - static_cast<float>(codes[at]) * scale), 2);
    return sum;
}

#if defined(__x86_64__)
// Sixteen products in pairs with the instruction itself.
__attribute__((target("avx2"))) std::array<std::int16_t, 16> maddubs(const std::array<std::uint8_t, 32>& a,
                                                                     const std::array<std::int8_t, 32>& w) {
    std::array<std::int16_t, 16> sums{};
    const __m256i products = _mm256_maddubs_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(a.data())),
                                                  _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w.data())));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums.data()), products);
    return sums;
}
#endif

}  // namespace

#if defined(__x86_64__)
TEST_CASE("the sum of a pair is that of VPMADDUBSW, for all pairs of weight codes", "[saturation]") {
    if (!__builtin_cpu_supports("avx2")) {
        WARN("not compared: the processor has no AVX2");
        return;
    }
    constexpr std::array<int, 9> kActivations{0, 1, 2, 64, 127, 128, 200, 254, 255};
    std::size_t saturated = 0;
    for (const int a : kActivations)
        for (const int b : kActivations)
            for (int p = -128; p <= 127; ++p)
                for (int block = -128; block <= 127; block += 16) {
                    std::array<std::uint8_t, 32> activations{};
                    std::array<std::int8_t, 32> weights{};
                    for (std::size_t lane = 0; lane < 16; ++lane) {
                        activations[2 * lane] = static_cast<std::uint8_t>(a);
                        activations[2 * lane + 1] = static_cast<std::uint8_t>(b);
                        weights[2 * lane] = code(p);
                        weights[2 * lane + 1] = code(block + static_cast<int>(lane));
                    }
                    const auto sums = maddubs(activations, weights);
                    for (std::size_t lane = 0; lane < 16; ++lane) {
                        const int q = weights[2 * lane + 1];
                        saturated += sums[lane] != a * p + b * q ? 1 : 0;
                        if (sums[lane] != saturating_pair_sum(a, p, b, q)) FAIL(a << "*" << p << " + " << b << "*" << q);
                    }
                }
    CHECK(saturated > 0);
}
#endif

TEST_CASE("a pair fits exactly when no activations can saturate it, for all pairs of codes and all greatest activations", "[saturation]") {
    for (int largest = 1; largest <= kLargestActivationCode; ++largest) {
        const int limit = pair_limit(largest);
        for (int p = -127; p <= 127; ++p)
            for (int q = -127; q <= 127; ++q) {
                // The sum is linear in each activation: its extremes lie at 0 and the largest.
                const int high = largest * (std::max(p, 0) + std::max(q, 0)), low = largest * (std::min(p, 0) + std::min(q, 0));
                const bool saturates = high > 32767 || low < -32768;
                const bool fits = pair_magnitude(code(p), code(q)) <= limit;
                if (fits == saturates) FAIL(p << "," << q << " with activations up to " << largest);
            }
    }
    CHECK(pair_limit() == 128);
    CHECK(pair_limit(128) == 255);
}

TEST_CASE("what may stand beside a code is exactly what fits", "[saturation]") {
    for (const int limit : {128, 131, 200}) {
        for (int p = -127; p <= 127; ++p) {
            const QuantRange range = code_range_beside(code(p), limit);
            for (int q = -127; q <= 127; ++q)
                if ((pair_magnitude(code(p), code(q)) <= limit) != (q >= range.min && q <= range.max)) FAIL(p << "," << q);
        }
    }
}

TEST_CASE("pairs lie along input channels, and across the window where those are odd", "[saturation]") {
    using Pairs = std::vector<CodePair>;
    const SummationOrder conv{};
    // [M, C, kw]: position c * 2 + x.
    CHECK(summed_pairs({5, 4, 2}, conv) == Pairs{{0, 2}, {4, 6}, {1, 3}, {5, 7}});
    CHECK(summed_pairs({5, 3, 2}, conv, PairPacking::Continuous) == Pairs{{0, 2}, {4, 1}, {3, 5}});
    CHECK(summed_pairs({5, 3, 2}, conv, PairPacking::Padded) == Pairs{{0, 2}, {1, 3}});
    CHECK(summed_pairs({5, 3, 2}, conv) == Pairs{{0, 2}, {4, 1}, {1, 3}, {3, 5}});
    CHECK(summed_pairs({5, 1, 3, 1}, conv) == Pairs{{0, 1}});
    CHECK(summed_pairs({5, 1, 3, 1}, conv, PairPacking::Padded).empty());
    CHECK(summed_pairs({5, 4, 2}, {.products = SummationOrder::Products::Single}).empty());
    // A matrix [K, N] read down its columns.
    CHECK(summed_pairs({5, 3}, {.channel_axis = 1, .innermost_axis = 0}) == Pairs{{0, 1}, {2, 3}});
    CHECK(row_offsets({5, 3}, 1) == std::vector<std::int64_t>{0, 3, 6, 9, 12});
    CHECK(row_offsets({2, 3, 2}, 1) == std::vector<std::int64_t>{0, 1, 6, 7});
}

TEST_CASE("limiting a pair costs the least squared error that whole codes allow", "[saturation]") {
    std::mt19937 random(7);
    std::uniform_real_distribution<float> weight(-127.0F, 127.0F), positive(0.1F, 4.0F);
    for (int round = 0; round < 3000; ++round) {
        const std::array<float, 2> wanted{weight(random), weight(random)}, energy{positive(random), positive(random)};
        std::array<std::int8_t, 2> row{code(static_cast<int>(std::nearbyint(wanted[0]))),
                                       code(static_cast<int>(std::nearbyint(wanted[1])))};
        const auto error = [&](int p, int q) {
            return static_cast<double>(energy[0]) * std::pow(static_cast<double>(wanted[0]) - p, 2) +
                   static_cast<double>(energy[1]) * std::pow(static_cast<double>(wanted[1]) - q, 2);
        };
        double best = error(0, 0);
        for (int p = -127; p <= 127; ++p)
            for (int q = -127; q <= 127; ++q)
                if (!same_sign(p, q) || std::abs(p + q) <= 128) best = std::min(best, error(p, q));
        const std::array<CodePair, 1> pairs{{{0, 1}}};
        limit_pairs(row, wanted, pairs, 128, energy);
        REQUIRE(pair_magnitude(row[0], row[1]) <= 128);
        // The best of all may raise one code; moving towards zero only must stay within what one step of rounding costs.
        CHECK(error(row[0], row[1]) <= best + static_cast<double>(energy[0] + energy[1]));
    }
}

TEST_CASE("a row whose pairs fit keeps its codes and its scale", "[saturation]") {
    const std::vector<float> row = {64, 64, -127, 127, -100, -28, 3, 0};
    const std::vector<CodePair> pairs = summed_pairs({1, 8}, {});
    std::vector<std::int8_t> codes;
    for (const float weight : row) codes.push_back(code(static_cast<int>(weight)));
    const std::vector<std::int8_t> before = codes;
    CHECK(pairs_fit(codes, pairs));
    CHECK(limit_pairs(codes, row, pairs) == 0);
    CHECK(codes == before);
    PairScaleSearch search(1.0F);
    search.add(row, pairs);
    CHECK(search.best() == 1.0F);
}

TEST_CASE("rows of all kinds fit after rounding, chains of pairs too", "[saturation]") {
    for (const Shape& shape : {Shape{1, 64}, Shape{1, 3, 3, 3}, Shape{1, 5, 3}, Shape{1, 1, 7, 7}})
        for (const float mean : {0.0F, 1.0F, -2.0F, 5.0F})
            for (std::uint32_t seed = 0; seed < 40; ++seed) {
                const std::vector<float> row = random_row(static_cast<std::size_t>(shape.element_count()), seed, mean);
                const std::vector<CodePair> pairs = summed_pairs(shape, {});
                const std::vector<std::int8_t> codes = round_row(row, full_scale(row), pairs);
                REQUIRE(pairs_fit(codes, pairs));
            }
}

TEST_CASE("the chosen scale is the best of a fine grid, in the expectation it is chosen by", "[saturation]") {
    for (std::uint32_t seed = 1; seed <= 20; ++seed) {
        const std::vector<float> row = random_row(64, seed, 1.5F);
        const std::vector<CodePair> pairs = summed_pairs({1, 64}, {});
        const float unit = full_scale(row);
        PairScaleSearch search(unit);
        search.add(row, pairs);
        const double chosen = static_cast<double>(search.best()) / static_cast<double>(unit);
        const auto expected = [&](double factor) {
            double error = 64.0 * factor * factor / 12.0;
            for (const CodePair& pair : pairs) {
                const double p = static_cast<double>(row[static_cast<std::size_t>(pair.first)] / unit);
                const double q = static_cast<double>(row[static_cast<std::size_t>(pair.second)] / unit);
                if (same_sign(p < 0 ? -1 : 1, q < 0 ? -1 : 1)) error += 0.5 * std::pow(std::max(0.0, std::fabs(p + q) - 128.0 * factor), 2);
            }
            return error;
        };
        double best = expected(1.0);
        for (double factor = 1.0; factor < 2.0; factor += 1e-3) best = std::min(best, expected(factor));
        CHECK(expected(chosen) <= best * (1.0 + 1e-6));
        CHECK(chosen >= 1.0);
    }
}

TEST_CASE("limiting codes at the chosen scale loses less than halving them", "[saturation]") {
    for (std::uint32_t seed = 1; seed <= 20; ++seed) {
        const std::vector<float> row = random_row(128, seed, 0.5F);
        const std::vector<CodePair> pairs = summed_pairs({1, 128}, {});
        const float unit = full_scale(row);
        PairScaleSearch search(unit);
        search.add(row, pairs);
        const float scale = search.best();
        CHECK(squared_error(row, round_row(row, scale, pairs), scale) < squared_error(row, round_row(row, 2.0F * unit), 2.0F * unit));
    }
}

TEST_CASE("rounded rows keep their sum, and pruned weights stay pruned", "[rounding]") {
    for (std::uint32_t seed = 1; seed <= 20; ++seed) {
        std::vector<float> row = random_row(200, seed, 0.3F);
        for (std::size_t at = 0; at < row.size(); at += 3) row[at] = 0.0F;
        const float scale = full_scale(row);
        const std::vector<std::int8_t> codes = round_row(row, scale);
        double sum = 0.0;
        for (std::size_t at = 0; at < row.size(); ++at) {
            sum += static_cast<double>(row[at] / scale) - static_cast<double>(codes[at]);
            if (row[at] == 0.0F) CHECK(codes[at] == 0);
            CHECK(std::fabs(row[at] / scale - static_cast<float>(codes[at])) <= 1.0F);
        }
        CHECK(std::fabs(sum) <= 1.0);
    }
}
