// Half-quadratic quantization of a column's blocks (Badri and Shaji, "Half-Quadratic Quantization of Large Machine Learning Models", 2023).
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "quant/block_codes.h"
#include "support/check.h"

namespace mcompress {
namespace {

constexpr float kNorm = 0.7F;
constexpr float kBeta = 10.0F;
constexpr float kKappa = 1.01F;
constexpr int kRounds = 20;

struct Block {
    std::span<const float> values;
    BlockParams params;
};

float rounded_zero(float zero, const BlockGrid& grid) {
    return grid.zero_points == ZeroPoints::Real ? zero : std::clamp(std::nearbyintf(zero), 0.0F, static_cast<float>(grid.top()));
}

/// What of an error is taken for an outlier's: the proximal operator of the lp norm, generalized soft thresholding.
float shrink(float error, float beta) {
    const float magnitude = std::fabs(error);
    if (magnitude == 0.0F) return 0.0F;
    return std::copysign(std::max(magnitude - std::pow(magnitude, kNorm - 1.0F) / beta, 0.0F), error);
}

/// Moves the zero points; returns the mean |error| before.
double half_quadratic_round(std::vector<Block>& blocks, const BlockGrid& grid, float beta) {
    double error_sum = 0.0;
    std::size_t count = 0;
    for (Block& block : blocks) {
        double zero_sum = 0.0;
        for (const float value : block.values) {
            const int code = block_code(value, block.params, grid);
            const float error = value - block_value(code, block.params);
            error_sum += std::fabs(error);
            zero_sum += static_cast<double>(static_cast<float>(code) - (value - shrink(error, beta)) / block.params.scale);
        }
        count += block.values.size();
        block.params.zero = static_cast<float>(zero_sum / static_cast<double>(block.values.size()));
    }
    return error_sum / static_cast<double>(count);
}

double squared_error(std::span<const float> values, BlockParams params, const BlockGrid& grid) {
    double sum = 0.0;
    for (const float value : values) {
        const double miss = static_cast<double>(value - block_value(block_code(value, params, grid), params));
        sum += miss * miss;
    }
    return sum;
}

/// The grid that fits the codes of the given one best.
BlockParams fitted(std::span<const float> values, BlockParams params, const BlockGrid& grid) {
    double codes = 0.0, squares = 0.0, weights = 0.0, products = 0.0;
    for (const float value : values) {
        const auto code = static_cast<double>(block_code(value, params, grid));
        codes += code;
        squares += code * code;
        weights += static_cast<double>(value);
        products += code * static_cast<double>(value);
    }
    const auto count = static_cast<double>(values.size());
    const double variance = squares - codes * codes / count;
    if (variance <= 0.0) return params;
    double scale = (products - codes * weights / count) / variance;
    if (!(scale > 0.0)) return params;
    double zero = (codes - weights / scale) / count;
    if (grid.zero_points == ZeroPoints::Integer) {
        zero = static_cast<double>(rounded_zero(static_cast<float>(zero), grid));
        const double spread = squares - 2.0 * zero * codes + count * zero * zero;
        if (spread <= 0.0) return params;
        scale = (products - zero * weights) / spread;
    }
    const auto narrowed = static_cast<float>(scale);
    if (!(narrowed >= std::numeric_limits<float>::min()) || !std::isfinite(narrowed)) return params;
    return {narrowed, static_cast<float>(zero)};
}

void refine(Block& block, const BlockGrid& grid) {
    constexpr int kFits = 3;
    BlockParams best = block.params;
    best.zero = rounded_zero(best.zero, grid);
    double least = squared_error(block.values, best, grid);
    for (const float factor : {1.0F, 0.95F, 0.9F, 0.85F, 0.8F}) {
        for (const float offset : {0.0F, 0.35F, -0.35F}) {
            BlockParams params{block.params.scale * factor, 0.0F};
            params.zero = rounded_zero(block.params.zero / factor + (grid.zero_points == ZeroPoints::Real ? offset : 2.0F * offset), grid);
            for (int fit = 0; fit < kFits; ++fit) {
                params = fitted(block.values, params, grid);
                const double error = squared_error(block.values, params, grid);
                if (error >= least) continue;
                least = error;
                best = params;
            }
        }
    }
    block.params = best;
}

}  // namespace

void fit_hqq(std::span<const float> values, const BlockGrid& grid, std::span<BlockParams> params) {
    MCOMPRESS_CHECK(grid.zero_points != ZeroPoints::None);
    BlockGrid real = grid;  // zero points move freely until the end
    real.zero_points = ZeroPoints::Real;
    std::vector<Block> blocks;
    for (std::size_t first = 0; first < values.size(); first += static_cast<std::size_t>(grid.block)) {
        const std::span<const float> part = values.subspan(first, std::min(values.size() - first, static_cast<std::size_t>(grid.block)));
        blocks.push_back({part, nearest_params(part, real)});
    }
    std::vector<Block> best = blocks;
    double least = std::numeric_limits<double>::infinity();
    float beta = kBeta;
    for (int round = 0; round < kRounds; ++round, beta *= kKappa) {
        std::vector<Block> moved = blocks;
        const double error = half_quadratic_round(moved, grid, beta);
        if (error >= least) break;
        least = error;
        best = blocks;
        blocks = std::move(moved);
    }
    for (std::size_t at = 0; at < best.size(); ++at) {
        refine(best[at], grid);
        params[at] = best[at].params;
    }
}

}  // namespace mcompress
