// A depthwise convolution and its neighbours under masks, fitted together.
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "catch.h"
#include "prune/block_state.h"
#include "prune/fit_block.h"

using namespace mcompress;

namespace {

constexpr std::size_t kInputs = 8, kChannels = 32, kTaps = 9, kOutputs = 8;

enum class WithExpand { Yes, No };

std::vector<float> normals(std::size_t count, float deviation, std::mt19937& random) {
    std::normal_distribution<float> normal(0.0F, deviation);
    std::vector<float> values(count);
    for (float& value : values) value = normal(random);
    return values;
}

/// Half of the smallest weights, and the others as they were.
BlockLayer masked(std::vector<float> matrix, std::vector<float> bias, PassedRange passed, double zeros) {
    std::vector<float> sizes;
    for (const float value : matrix) sizes.push_back(std::abs(value));
    std::vector<float> sorted = sizes;
    std::sort(sorted.begin(), sorted.end());
    BlockLayer layer{.weights = {std::move(matrix), std::move(bias)}, .mask = {}, .passed = passed};
    const float limit = sorted[static_cast<std::size_t>(zeros * static_cast<double>(sorted.size()))];
    for (std::size_t at = 0; at < sizes.size(); ++at) {
        layer.mask.push_back(sizes[at] < limit ? 0 : 1);
        if (!layer.mask[at]) layer.weights.matrix[at] = 0.0F;
    }
    return layer;
}

BlockWeights block(WithExpand expand, double zeros) {
    std::mt19937 random(3);
    constexpr PassedRange six{0.0F, 6.0F};
    BlockWeights weights;
    if (expand == WithExpand::Yes)
        weights.expand = masked(normals(kChannels * kInputs, 0.6F, random), normals(kChannels, 0.3F, random), six, zeros);
    weights.depthwise = masked(normals(kChannels * kTaps, 0.4F, random), normals(kChannels, 0.2F, random), six, zeros);
    weights.project = masked(normals(kOutputs * kChannels, 0.3F, random), normals(kOutputs, 0.2F, random), {}, zeros);
    return weights;
}

/// Neighbouring values are alike, as in pictures; some windows reach beyond the border.
BlockRows rows(WithExpand expand, std::int64_t count, unsigned seed) {
    const std::size_t inputs = expand == WithExpand::Yes ? kInputs : kChannels;
    std::mt19937 random(seed);
    BlockRows found;
    found.count = count;
    for (std::int64_t row = 0; row < count; ++row) {
        const std::vector<float> middle = normals(inputs, 0.8F, random), noise = normals(inputs * kTaps, 0.6F, random);
        for (std::size_t input = 0; input < inputs; ++input)
            for (std::size_t tap = 0; tap < kTaps; ++tap)
                found.windows.push_back(row % 7 == 0 && tap < 3 ? std::numeric_limits<float>::quiet_NaN()
                                                                : middle[input] + noise[input * kTaps + tap]);
    }
    found.added = normals(static_cast<std::size_t>(count) * kOutputs, 0.5F, random);
    // What the dense block gives.
    found.wanted.resize(static_cast<std::size_t>(count) * kOutputs, 0.0F);
    const BlockWeights dense = block(expand, 0.0);
    BlockState state(found, dense);
    state.run(1);
    for (std::int64_t row = 0; row < count; ++row)
        for (std::size_t output = 0; output < kOutputs; ++output)
            found.wanted[static_cast<std::size_t>(row) * kOutputs + output] = -state.lack(static_cast<std::size_t>(row), output);
    return found;
}

void check_masks(const BlockLayer& before, const BlockLayer& after) {
    REQUIRE(after.weights.matrix.size() == before.mask.size());
    for (std::size_t at = 0; at < before.mask.size(); ++at)
        if (!before.mask[at]) REQUIRE(after.weights.matrix[at] == 0.0F);
}

}  // namespace

TEST_CASE("block: results by hand, zeros in the padding") {
    BlockWeights weights;
    weights.expand = BlockLayer{.weights = {{2.0F, -1.0F}, {0.5F, 1.0F}}, .mask = {1, 1}, .passed = {0.0F, 6.0F}};
    weights.depthwise = {.weights = {{1.0F, 3.0F, -1.0F, 1.0F}, {0.0F, 0.25F}}, .mask = {1, 1, 1, 1}, .passed = {0.0F, 6.0F}};
    weights.project = {.weights = {{1.0F, 10.0F}, {0.125F}}, .mask = {1, 1}};
    const float outside = std::numeric_limits<float>::quiet_NaN();
    const BlockRows rows{.count = 2, .windows = {0.25F, 0.5F, outside, -1.0F}, .added = {0.0F, 1.0F}, .wanted = {7.0F, 21.0F}};
    BlockState state(rows, weights);
    state.run(2);
    // Row 0: x = (1, 1.5) and (0.75, 0.5); v = 5.5 and 0. Row 1: x = (0, 0) and (0, 2); v = 0 and 2.25.
    CHECK(state.hidden(0)[0] == 5.5F);
    CHECK(state.hidden(1)[0] == 0.0F);
    CHECK(state.hidden(0)[1] == 0.0F);
    CHECK(state.hidden(1)[1] == 2.25F);
    CHECK(state.lack(0, 0) == 7.0F - 5.625F);
    CHECK(state.lack(1, 0) == 21.0F - 23.625F);
}

TEST_CASE("block: fitted together it comes nearer to the dense block than its projection alone can, on rows nothing was fitted to") {
    for (const WithExpand expand : {WithExpand::Yes, WithExpand::No}) {
        const BlockRows fit = rows(expand, 3000, 5), held_out = rows(expand, 800, 6);
        const BlockWeights weights = block(expand, 0.5);
        const FittedBlock fitted = fit_block(weights, fit, held_out, 2);
        BlockWeights still = weights;  // its other layers may not move
        std::fill(still.depthwise.mask.begin(), still.depthwise.mask.end(), 0);
        still.depthwise.has_bias = false;
        if (still.expand) {
            std::fill(still.expand->mask.begin(), still.expand->mask.end(), 0);
            still.expand->has_bias = false;
        }
        const FittedBlock projected = fit_block(still, fit, held_out, 2);
        INFO(fitted.error_before << " -> " << fitted.error_after << " in " << fitted.rounds << " rounds, projection alone "
                                 << projected.error_after);
        CHECK(projected.error_after < fitted.error_before);
        CHECK(fitted.error_after < 0.9 * projected.error_after);
        check_masks(weights.depthwise, fitted.weights.depthwise);
        check_masks(weights.project, fitted.weights.project);
        if (weights.expand) check_masks(*weights.expand, *fitted.weights.expand);
    }
}

TEST_CASE("block: a dense one stays as it is") {
    const FittedBlock fitted = fit_block(block(WithExpand::Yes, 0.0), rows(WithExpand::Yes, 500, 5), rows(WithExpand::Yes, 200, 6), 2);
    CHECK(fitted.error_before < 1e-10);
    CHECK(fitted.error_after < 1e-10);
}

TEST_CASE("block: where an activation cuts results off, they need not be met") {
    BlockRows fit = rows(WithExpand::Yes, 3000, 5), held_out = rows(WithExpand::Yes, 800, 6);
    BlockWeights weights = block(WithExpand::Yes, 0.5);
    weights.project.passed.low = 0.0F;
    const FittedBlock cut = fit_block(weights, fit, held_out, 2);
    INFO(cut.error_before << " -> " << cut.error_after);
    CHECK(cut.error_after < 0.8 * cut.error_before);
    // The error does not see what is cut off.
    for (float& value : held_out.wanted)
        if (value < 0.0F) value *= 10.0F;
    const BlockState state = [&] {
        BlockState found(held_out, cut.weights);
        found.run(1);
        return found;
    }();
    CHECK(std::abs(state.error() - cut.error_after) < 1e-6);
}

TEST_CASE("block: the number of threads changes no bit") {
    const BlockRows fit = rows(WithExpand::Yes, 500, 5), held_out = rows(WithExpand::Yes, 200, 6);
    const BlockWeights weights = block(WithExpand::Yes, 0.5);
    const FittedBlock one = fit_block(weights, fit, held_out, 1), three = fit_block(weights, fit, held_out, 3);
    CHECK(one.error_after == three.error_after);
    CHECK(one.weights.expand->weights.matrix == three.weights.expand->weights.matrix);
    CHECK(one.weights.depthwise.weights.matrix == three.weights.depthwise.weights.matrix);
    CHECK(one.weights.project.weights.matrix == three.weights.project.weights.matrix);
}
