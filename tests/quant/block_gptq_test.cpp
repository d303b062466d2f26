// GPTQ in blocks against the algorithm written out in double, one input and one error at a time.
#include "quant/block_gptq.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "catch.h"
#include "tensor/linalg.h"

using namespace mcompress;

namespace {

constexpr std::int64_t kInner = 96;
constexpr std::int64_t kColumns = 40;

struct Problem {
    std::vector<float> weights;    // [columns, inner]
    std::vector<double> products;  // [inner, inner]
};

/// Inputs that depend on each other, as those of trained layers do.
Problem make_problem(unsigned seed, std::int64_t columns = kColumns, std::int64_t inner = kInner) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    Problem problem;
    for (std::int64_t i = 0; i < columns * inner; ++i) problem.weights.push_back(0.05F * normal(random));
    const std::int64_t rows = 4 * inner;
    std::vector<float> inputs(static_cast<std::size_t>(rows * inner));
    for (std::int64_t row = 0; row < rows; ++row) {
        float carried = 0.0F;
        for (std::int64_t k = 0; k < inner; ++k) {
            carried = 0.9F * carried + normal(random);
            inputs[static_cast<std::size_t>(row * inner + k)] = carried;
        }
    }
    problem.products.resize(static_cast<std::size_t>(inner * inner));
    linalg::accumulate_gram(inputs, rows, inner, problem.products);
    return problem;
}

enum class GridFrom { MovedWeights, OriginalWeights };

/// Every error reaches all inputs behind it at once.
std::vector<float> plain_gptq(const Problem& problem, const BlockGrid& grid, const GptqFactor& factor, GridFrom from) {
    std::vector<float> result(problem.weights.size());
    for (std::int64_t column = 0; column < kColumns; ++column) {
        const auto original = problem.weights.begin() + column * kInner;
        std::vector<double> moved(original, original + kInner);
        BlockParams params;
        for (std::int64_t k = 0; k < kInner; ++k) {
            if (k % grid.block == 0) {
                std::vector<float> values(original + k, original + k + grid.block);
                if (from == GridFrom::MovedWeights)
                    std::transform(moved.begin() + k, moved.begin() + k + grid.block, values.begin(),
                                   [](double v) { return static_cast<float>(v); });
                params = least_error_params(values, {}, grid);
            }
            const float value = static_cast<float>(moved[static_cast<std::size_t>(k)]);
            const float rounded = block_value(block_code(value, params, grid), params);
            result[static_cast<std::size_t>(column * kInner + k)] = rounded;
            const auto* upper = factor.upper.data() + k * kInner;
            const double error = (moved[static_cast<std::size_t>(k)] - static_cast<double>(rounded)) / static_cast<double>(upper[k]);
            for (std::int64_t next = k + 1; next < kInner; ++next)
                moved[static_cast<std::size_t>(next)] -= error * static_cast<double>(upper[next]);
        }
    }
    return result;
}

double error_of(const Problem& problem, const std::vector<float>& quantized) {
    return output_error(problem.weights, quantized, kColumns, kInner, problem.products);
}

constexpr BlockGrid kSymmetric{4, 32, ZeroPoints::None, ScaleSign::Either};

}  // namespace

TEST_CASE("gptq in blocks: the outputs' error is well below that of the nearest codes") {
    const Problem problem = make_problem(1);
    const auto factor = factorize_products(problem.products, kInner);
    REQUIRE(factor);
    CHECK(factor->damping == 0.01);
    for (const ZeroPoints zero_points : {ZeroPoints::None, ZeroPoints::Integer, ZeroPoints::Real}) {
        const BlockGrid grid{4, 32, zero_points, ScaleSign::Either};
        const double nearest =
            error_of(problem, quantize_blocks(problem.weights, kColumns, kInner, grid, WeightRounding::Nearest).values());
        const BlockCodes codes = quantize_blocks_gptq(problem.weights, kColumns, kInner, grid, *factor);
        CHECK(10.0 * std::log10(nearest / error_of(problem, codes.values())) > 4.0);
        CHECK(quantize_blocks_gptq(problem.weights, kColumns, kInner, grid, *factor, 3).values() == codes.values());
    }
}

TEST_CASE("trap 20: a block's grid follows from its weights as earlier errors left them, also those of the same 128 inputs") {
    const auto differing = [](const std::vector<float>& a, const std::vector<float>& b) {
        std::size_t count = 0;
        for (std::size_t i = 0; i < a.size(); ++i) count += std::fabs(a[i] - b[i]) > 1e-5F ? 1 : 0;
        return count;
    };
    for (unsigned seed = 1; seed < 4; ++seed) {
        const Problem problem = make_problem(seed);
        const auto factor = factorize_products(problem.products, kInner);
        const std::vector<float> found = quantize_blocks_gptq(problem.weights, kColumns, kInner, kSymmetric, *factor).values();
        // Codes at the edge of two may fall to either side, and change what follows them in their column.
        CHECK(differing(found, plain_gptq(problem, kSymmetric, *factor, GridFrom::MovedWeights)) < found.size() / 20);
        CHECK(differing(found, plain_gptq(problem, kSymmetric, *factor, GridFrom::OriginalWeights)) > found.size() / 3);
    }
}

TEST_CASE("trap 21: blocks hold neighbouring inputs in their order, however much energy which of them has") {
    Problem problem = make_problem(6);
    for (std::int64_t i = 0; i < kInner; ++i)
        for (std::int64_t j = 0; j < kInner; ++j)  // the last input by far the strongest
            problem.products[static_cast<std::size_t>(i * kInner + j)] *= static_cast<double>((1 + i * i) * (1 + j * j));
    const auto factor = factorize_products(problem.products, kInner);
    REQUIRE(factor);
    const BlockCodes codes = quantize_blocks_gptq(problem.weights, kColumns, kInner, kSymmetric, *factor);
    REQUIRE(static_cast<std::int64_t>(codes.params.size()) == kColumns * 3);
    // Weight k is stored at place k: in another order they would have nothing to do with each other.
    CHECK(weight_sqnr_db(problem.weights, codes.values()) > 6.0);
    CHECK(error_of(problem, codes.values()) <
          error_of(problem, quantize_blocks(problem.weights, kColumns, kInner, kSymmetric, WeightRounding::Nearest).values()));
}

TEST_CASE("gptq in blocks: inputs that do not depend on each other are rounded to nearest; one that was never seen keeps its weights") {
    Problem problem = make_problem(7);
    for (std::int64_t i = 0; i < kInner; ++i)
        for (std::int64_t j = 0; j < kInner; ++j)
            if (i != j || i == 5) problem.products[static_cast<std::size_t>(i * kInner + j)] = 0.0;
    const auto factor = factorize_products(problem.products, kInner);
    REQUIRE(factor);
    const BlockCodes codes = quantize_blocks_gptq(problem.weights, kColumns, kInner, kSymmetric, *factor);
    for (std::int64_t column = 0; column < kColumns; ++column)
        for (std::int64_t k = 0; k < kInner; ++k) {
            const float weight = problem.weights[static_cast<std::size_t>(column * kInner + k)];
            const BlockParams params = codes.params[static_cast<std::size_t>(column * 3 + k / 32)];
            REQUIRE(codes.codes[static_cast<std::size_t>(column * kInner + k)] == block_code(weight, params, kSymmetric));
        }
}

TEST_CASE("gptq in blocks: refining lowers the outputs' error, from whatever codes it starts, and keeps what is stored legal") {
    const Problem problem = make_problem(8);
    const auto factor = factorize_products(problem.products, kInner);
    REQUIRE(factor);
    for (const ZeroPoints zero_points : {ZeroPoints::None, ZeroPoints::Integer, ZeroPoints::Real}) {
        for (const ScaleSign sign : {ScaleSign::Either, ScaleSign::Positive}) {
            const BlockGrid grid{4, 32, zero_points, sign};
            BlockCodes fitted = quantize_blocks_gptq(problem.weights, kColumns, kInner, grid, *factor);
            const double before = error_of(problem, fitted.values());
            BlockCodes threaded = fitted;
            refine_blocks(problem.weights, *factor, fitted);
            CHECK(error_of(problem, fitted.values()) < 0.97 * before);
            refine_blocks(problem.weights, *factor, threaded, 3);
            CHECK(threaded.values() == fitted.values());
            BlockCodes nearest = quantize_blocks(problem.weights, kColumns, kInner, grid, WeightRounding::Nearest);
            const double far = error_of(problem, nearest.values());
            refine_blocks(problem.weights, *factor, nearest);
            CHECK(error_of(problem, nearest.values()) < 0.8 * far);
            for (const BlockCodes& codes : {fitted, nearest}) {
                for (const std::uint8_t code : codes.codes) REQUIRE(code <= 15);
                for (const BlockParams& params : codes.params) {
                    REQUIRE(std::isfinite(params.scale));
                    if (sign == ScaleSign::Positive) REQUIRE(params.scale > 0.0F);
                    if (zero_points != ZeroPoints::Real) REQUIRE(params.zero == std::nearbyint(params.zero));
                }
            }
        }
    }
}

TEST_CASE("gptq in blocks: of each column the codes that cost its outputs less are kept") {
    const Problem problem = make_problem(9);
    const auto factor = factorize_products(problem.products, kInner);
    REQUIRE(factor);
    const auto damped = [&](const BlockCodes& codes, std::int64_t column) {  // d P d^T in double
        const std::vector<float> values = codes.values();
        std::vector<double> off(kInner);
        for (std::int64_t k = 0; k < kInner; ++k) {
            const auto index = static_cast<std::size_t>(column * kInner + k);
            off[static_cast<std::size_t>(k)] = static_cast<double>(problem.weights[index]) - static_cast<double>(values[index]);
        }
        double sum = 0.0;
        for (std::int64_t i = 0; i < kInner; ++i)
            for (std::int64_t j = 0; j < kInner; ++j)
                sum += off[static_cast<std::size_t>(i)] * off[static_cast<std::size_t>(j)] *
                       static_cast<double>(factor->products[static_cast<std::size_t>(i * kInner + j)]);
        return sum;
    };
    for (const ZeroPoints zero_points : {ZeroPoints::None, ZeroPoints::Integer, ZeroPoints::Real}) {
        const BlockGrid grid{4, 32, zero_points, ScaleSign::Either};
        const WeightRounding plain = zero_points == ZeroPoints::None ? WeightRounding::Nearest : WeightRounding::Hqq;
        BlockCodes one = quantize_blocks_gptq(problem.weights, kColumns, kInner, grid, *factor);
        BlockCodes other = quantize_blocks(problem.weights, kColumns, kInner, grid, plain);
        BlockCodes on_its_grids = quantize_blocks_gptq(problem.weights, kColumns, kInner, grid, *factor, 1, &other);
        for (std::size_t at = 0; at < other.params.size(); ++at) {
            REQUIRE(on_its_grids.params[at].scale == other.params[at].scale);
            REQUIRE(on_its_grids.params[at].zero == other.params[at].zero);
        }
        CHECK(error_of(problem, on_its_grids.values()) < error_of(problem, other.values()));
        refine_blocks(problem.weights, *factor, one);
        refine_blocks(problem.weights, *factor, on_its_grids);
        BlockCodes kept = one, threaded = one;
        keep_better_columns(problem.weights, *factor, on_its_grids, kept);
        keep_better_columns(problem.weights, *factor, on_its_grids, threaded, 3);
        CHECK(threaded.values() == kept.values());
        int taken = 0;
        for (std::int64_t column = 0; column < kColumns; ++column) {
            const double a = damped(one, column), b = damped(on_its_grids, column);
            CHECK(damped(kept, column) == Approx(std::min(a, b)).epsilon(1e-3));
            taken += b < a ? 1 : 0;
        }
        CHECK(taken > 0);  // neither start is the better one everywhere
        CHECK(taken < kColumns);
    }
}

TEST_CASE("gptq in blocks: products without a Cholesky factor take more damping, or are given up") {
    // Two inputs that are the same one: singular, which the first damping heals.
    CHECK(factorize_products({1.0, 1.0, 1.0, 1.0}, 2)->damping == 0.01);
    // Sums that rounding or a broken sample made indefinite: an off-diagonal larger than the diagonal allows.
    CHECK(factorize_products({1.0, 1.5, 1.5, 1.0}, 2)->damping == 1.0);
    CHECK_FALSE(factorize_products({1.0, 50.0, 50.0, 1.0}, 2).has_value());
    CHECK_FALSE(factorize_products({std::numeric_limits<double>::quiet_NaN(), 0.0, 0.0, 1.0}, 2).has_value());
    CHECK_FALSE(factorize_products({0.0, 0.0, 0.0, 0.0}, 2).has_value());
}
