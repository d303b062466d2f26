// Codes in blocks without samples: the rules by hand, and that a search for grids finds better ones.
#include "quant/block_codes.h"

#include <cmath>
#include <limits>
#include <random>

#include "catch.h"
#include "support/error.h"

using namespace mcompress;

namespace {

std::vector<float> random_weights(unsigned seed, std::size_t count, float scale = 0.05F) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0.0F, scale);
    std::vector<float> values(count);
    for (float& value : values) value = normal(random);
    return values;
}

BlockGrid grid_of(int bits, std::int64_t block, ZeroPoints zero_points, ScaleSign sign = ScaleSign::Either) {
    return {bits, block, zero_points, sign};
}

double sqnr(const std::vector<float>& weights, std::int64_t columns, const BlockGrid& grid, WeightRounding rounding) {
    const auto inner = static_cast<std::int64_t>(weights.size()) / columns;
    return weight_sqnr_db(weights, quantize_blocks(weights, columns, inner, grid, rounding).values());
}

}  // namespace

TEST_CASE("block codes: without zero points the extreme value lies at code 0, with its sign in the scale") {
    const std::vector<float> values = {0.4F, 0.8F, -0.3F, 0.1F};
    const BlockParams params = nearest_params(values, grid_of(4, 16, ZeroPoints::None));
    CHECK(params.scale == 0.8F / -8.0F);
    CHECK(params.zero == 8.0F);
    CHECK(block_code(0.8F, params, grid_of(4, 16, ZeroPoints::None)) == 0);
    CHECK(block_code(-0.3F, params, grid_of(4, 16, ZeroPoints::None)) == 11);
    CHECK(block_code(-0.8F, params, grid_of(4, 16, ZeroPoints::None)) == 15);  // clipped: there is no code 16
    CHECK(nearest_params(std::vector<float>{-0.5F, 0.2F}, grid_of(4, 16, ZeroPoints::None)).scale == 0.5F / 8.0F);
    CHECK(nearest_params(values, grid_of(8, 16, ZeroPoints::None)).scale == 0.8F / -128.0F);
}

TEST_CASE("block codes: with zero points the range holds 0, which is a code of its own") {
    const std::vector<float> values = {0.5F, 2.0F, 1.0F};
    const BlockParams params = nearest_params(values, grid_of(4, 16, ZeroPoints::Integer));
    CHECK(params.scale == Approx(2.0 / 15.0));
    CHECK(params.zero == 0.0F);
    const BlockParams shifted = nearest_params(std::vector<float>{-1.0F, 0.5F}, grid_of(4, 16, ZeroPoints::Integer));
    CHECK(shifted.scale == Approx(0.1));
    CHECK(shifted.zero == 10.0F);
    CHECK(nearest_params(std::vector<float>{-1.0F, 0.55F}, grid_of(4, 16, ZeroPoints::Real)).zero == Approx(1.0 / (1.55 / 15.0)));
}

TEST_CASE("trap 18: scales of the standard form are positive whatever the extreme value's sign") {
    for (const ZeroPoints zero_points : {ZeroPoints::None, ZeroPoints::Integer}) {
        for (const WeightRounding rounding : {WeightRounding::Nearest, WeightRounding::Hqq}) {
            if (rounding == WeightRounding::Hqq && zero_points == ZeroPoints::None) continue;
            const BlockCodes codes =
                quantize_blocks(random_weights(1, 64 * 32), 32, 64, grid_of(4, 32, zero_points, ScaleSign::Positive), rounding);
            for (const BlockParams& params : codes.params) REQUIRE(params.scale > 0.0F);
        }
    }
    CHECK(nearest_params(std::vector<float>{0.7F, -0.1F}, grid_of(4, 16, ZeroPoints::None, ScaleSign::Positive)).scale == Approx(0.1));
    WeightOnlyScheme scheme{4, 32, WeightRounding::Nearest, ZeroPoints::None, WeightForm::DequantizeLinear};
    CHECK(BlockGrid::of(scheme).scale_sign == ScaleSign::Positive);
}

TEST_CASE("trap 19: the search for a grid measures the dequantized value, in whatever unit weights come") {
    for (const ZeroPoints zero_points : {ZeroPoints::None, ZeroPoints::Integer}) {
        const BlockGrid grid = grid_of(4, 32, zero_points);
        double chosen = 0.0, start = 0.0;
        for (unsigned seed = 0; seed < 50; ++seed) {
            const std::vector<float> small = random_weights(seed, 32);
            std::vector<float> large = small;
            for (float& value : large) value *= 1024.0F;
            const BlockParams params = least_error_params(small, {}, grid);
            const BlockParams scaled = least_error_params(large, {}, grid);
            // An error between codes and weights would pull scales towards 1.
            CHECK(scaled.scale == params.scale * 1024.0F);
            CHECK(scaled.zero == params.zero);
            const auto error = [&](BlockParams each) {
                double sum = 0.0;
                for (const float value : small) sum += std::pow(std::fabs(value - block_value(block_code(value, each, grid), each)), 2.4);
                return sum;
            };
            chosen += error(params);
            start += error(nearest_params(small, grid));
            REQUIRE(error(params) <= error(nearest_params(small, grid)) * 1.000001);
        }
        CHECK(chosen < 0.95 * start);
    }
}

TEST_CASE("block codes: half-quadratic grids lie closer than those of the range") {
    const std::vector<float> weights = random_weights(2, 64 * 96);
    const double nearest = sqnr(weights, 64, grid_of(4, 32, ZeroPoints::None), WeightRounding::Nearest);
    CHECK(nearest == Approx(21.4).margin(0.4));
    CHECK(sqnr(weights, 64, grid_of(4, 32, ZeroPoints::Real), WeightRounding::Hqq) > nearest + 1.5);
    CHECK(sqnr(weights, 64, grid_of(4, 32, ZeroPoints::Integer), WeightRounding::Hqq) > nearest + 0.7);
    CHECK(sqnr(weights, 64, grid_of(8, 32, ZeroPoints::None), WeightRounding::Nearest) > 45.0);
    for (const BlockParams& params : quantize_blocks(weights, 64, 96, grid_of(4, 32, ZeroPoints::Integer), WeightRounding::Hqq).params)
        REQUIRE(params.zero == std::nearbyint(params.zero));
}

TEST_CASE("block codes: a last block that is not full, a single input, and blocks of zeros") {
    for (const ZeroPoints zero_points : {ZeroPoints::None, ZeroPoints::Integer, ZeroPoints::Real}) {
        const BlockGrid grid = grid_of(4, 16, zero_points);
        const WeightRounding rounding = zero_points == ZeroPoints::Real ? WeightRounding::Hqq : WeightRounding::Nearest;
        const BlockCodes codes = quantize_blocks(random_weights(3, 2 * 17), 2, 17, grid, rounding);
        CHECK(codes.blocks() == 2);
        CHECK(codes.padded() == 32);
        CHECK(codes.values().size() == 34);
        CHECK(weight_sqnr_db(random_weights(3, 2 * 17), codes.values()) > 18.0);
        const float tiny = std::numeric_limits<float>::denorm_min();
        for (const std::vector<float>& values : {std::vector<float>(16, 0.0F), std::vector<float>(16, tiny)}) {
            const BlockCodes zeros = quantize_blocks(values, 1, 16, grid, rounding);
            for (const float value : zeros.values()) CHECK(value == 0.0F);
        }
        const BlockCodes one = quantize_blocks(std::vector<float>{-3.0F}, 1, 1, grid, rounding);
        CHECK(one.values()[0] == Approx(-3.0));
    }
    CHECK(quantize_blocks(std::vector<float>{}, 0, 16, grid_of(4, 16, ZeroPoints::None), WeightRounding::Nearest).codes.empty());
}

TEST_CASE("block codes: bytes are those that are stored, and threads change nothing") {
    const std::vector<float> weights = random_weights(4, 40 * 100);
    CHECK(quantize_blocks(weights, 40, 100, grid_of(4, 32, ZeroPoints::None), WeightRounding::Nearest).bytes() == 40 * (4 * 16 + 4 * 4));
    CHECK(quantize_blocks(weights, 40, 100, grid_of(4, 32, ZeroPoints::Integer), WeightRounding::Nearest).bytes() ==
          40 * (4 * 16 + 4 * 4 + 2));
    CHECK(quantize_blocks(weights, 40, 100, grid_of(8, 32, ZeroPoints::Real), WeightRounding::Hqq).bytes() == 40 * (4 * 32 + 4 * 4 * 2));
    const BlockGrid grid = grid_of(4, 32, ZeroPoints::Real);
    CHECK(quantize_blocks(weights, 40, 100, grid, WeightRounding::Hqq, 3).values() ==
          quantize_blocks(weights, 40, 100, grid, WeightRounding::Hqq, 1).values());
}

TEST_CASE("weight-only scheme: what contradicts itself is refused") {
    using enum WeightRounding;
    using enum ZeroPoints;
    CHECK_NOTHROW(check_weight_only({}));
    CHECK_NOTHROW(check_weight_only({4, 32, Gptq, Integer, WeightForm::DequantizeLinear}));
    CHECK_THROWS_AS(check_weight_only({4, 0, Nearest, None, WeightForm::MatMulNBits}), Error);
    CHECK_THROWS_AS(check_weight_only({5, 32, Nearest, None, WeightForm::MatMulNBits}), Error);
    CHECK_THROWS_AS(check_weight_only({4, 48, Nearest, None, WeightForm::MatMulNBits}), Error);
    CHECK_THROWS_AS(check_weight_only({4, 32, Hqq, None, WeightForm::MatMulNBits}), Error);
    CHECK_THROWS_AS(check_weight_only({4, 32, Hqq, Real, WeightForm::DequantizeLinear}), Error);
    CHECK_THROWS_AS(check_weight_only({8, 0, Gptq, None, WeightForm::MatMulNBits}), Error);
}
