// One-dimensional k-means: against every way to split small sets, against the published distortions of optimal quantizers, and its limits.
#include "quant/cluster_values.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "catch.h"

using namespace mcompress;

namespace {

double nearest_cost(const std::vector<float>& values, const std::vector<float>& weights, const std::vector<double>& levels) {
    double cost = 0.0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        double least = std::numeric_limits<double>::infinity();
        for (const double level : levels) least = std::min(least, (values[i] - level) * (values[i] - level));
        cost += least * (weights.empty() ? 1.0 : static_cast<double>(weights[i]));
    }
    return cost;
}

/// Tries every assignment of the values to clusters; with a pinned zero cluster 0 stands for 0.
double least_cost(const std::vector<float>& values, const std::vector<float>& weights, int count, ZeroLevel zero) {
    std::size_t ways = 1;
    for (std::size_t i = 0; i < values.size(); ++i) ways *= static_cast<std::size_t>(count);
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t way = 0; way < ways; ++way) {
        std::vector<double> w(static_cast<std::size_t>(count)), s(w), q(w);
        std::size_t rest = way;
        for (std::size_t i = 0; i < values.size(); ++i, rest /= static_cast<std::size_t>(count)) {
            const std::size_t cluster = rest % static_cast<std::size_t>(count);
            const double weight = weights.empty() ? 1.0 : static_cast<double>(weights[i]), x = static_cast<double>(values[i]);
            w[cluster] += weight, s[cluster] += weight * x, q[cluster] += weight * x * x;
        }
        double cost = 0.0;
        for (std::size_t k = 0; k < w.size(); ++k)
            cost += (zero == ZeroLevel::Pinned && k == 0) || w[k] == 0.0 ? q[k] : q[k] - s[k] * s[k] / w[k];
        least = std::min(least, cost);
    }
    return least;
}

std::vector<float> normal(std::size_t count, unsigned seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<float> distribution;
    std::vector<float> values(count);
    for (float& value : values) value = distribution(random);
    return values;
}

}  // namespace

TEST_CASE("cluster values: nothing is better, of all ways to split small sets") {
    std::mt19937_64 random(1);
    for (int round = 0; round < 60; ++round) {
        const std::size_t size = 1 + random() % 8;
        std::vector<float> values = normal(size, static_cast<unsigned>(round) + 100), weights;
        if (round % 3 == 0)
            for (float& value : values) value = std::round(value * 2.0F);  // repeated values and zeros
        if (round % 2 == 0)
            for (std::size_t i = 0; i < size; ++i) weights.push_back(static_cast<float>(random() % 5));
        for (const ZeroLevel zero : {ZeroLevel::Free, ZeroLevel::Pinned})
            for (int count = 1; count <= 4; ++count) {
                INFO("round " << round << ", " << count << " levels");
                const std::vector<double> levels = cluster_values(values, weights, count, zero);
                CHECK(levels.size() <= static_cast<std::size_t>(count));
                CHECK(std::is_sorted(levels.begin(), levels.end()));
                CHECK(nearest_cost(values, weights, levels) == Approx(least_cost(values, weights, count, zero)).margin(1e-9));
                if (zero == ZeroLevel::Pinned) CHECK(std::count(levels.begin(), levels.end(), 0.0) == 1);
            }
    }
}

TEST_CASE("cluster values: Gaussian numbers come within 0.1 dB of Lloyd and Max") {
    // Max, "Quantizing for minimum distortion", 1960; Jayant and Noll, "Digital coding of waveforms", table 4.3.
    const std::vector<std::pair<int, double>> published{{2, 9.30}, {3, 14.62}, {4, 20.22}, {5, 26.01}, {6, 31.89}};
    const std::vector<float> values = normal(300000, 7);
    double energy = 0.0;
    for (const float value : values) energy += static_cast<double>(value) * static_cast<double>(value);
    for (const auto& [bits, decibels] : published) {
        const double noise = nearest_cost(values, {}, cluster_values(values, {}, 1 << bits, ZeroLevel::Free));
        CHECK(10.0 * std::log10(energy / noise) == Approx(decibels).margin(0.1));
    }
}

TEST_CASE("cluster values: bins and an outlier cost nothing that refinement does not win back") {
    std::vector<float> values = normal(50000, 3);
    values.push_back(1000.0F);
    double energy = 0.0;
    for (std::size_t i = 0; i + 1 < values.size(); ++i) energy += static_cast<double>(values[i]) * static_cast<double>(values[i]);
    // One level goes to the outlier, the others serve the rest: 15 levels instead of 16 cost 0.5 dB.
    const double noise = nearest_cost(values, {}, cluster_values(values, {}, 16, ZeroLevel::Free));
    CHECK(10.0 * std::log10(energy / noise) > 19.5);
}

TEST_CASE("cluster values: few distinct values are met exactly, and the nearest level is the nearest") {
    const std::vector<float> values{3.0F, -1.0F, 0.0F, -0.0F, 3.0F};
    const std::vector<double> levels = cluster_values(values, {}, 16, ZeroLevel::Pinned);
    CHECK(levels == std::vector<double>{-1.0, 0.0, 3.0});
    CHECK(nearest_levels(values, levels) == std::vector<std::uint8_t>{2, 0, 1, 1, 2});
    CHECK(nearest_levels(std::vector<float>{1.5F, -0.5F, 100.0F, -100.0F}, levels) == std::vector<std::uint8_t>{1, 0, 2, 0});
    CHECK(cluster_values({}, {}, 4, ZeroLevel::Free) == std::vector<double>{0.0});
    CHECK(cluster_values(std::vector<float>{0.0F, 0.0F}, {}, 1, ZeroLevel::Pinned) == std::vector<double>{0.0});
}
