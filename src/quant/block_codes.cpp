#include "quant/block_codes.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/check.h"
#include "support/parallel.h"

namespace mcompress {
namespace {

struct Range {
    float min = 0.0F;
    float max = 0.0F;
};

/// Widened to hold 0.
Range range_of(std::span<const float> values) {
    Range range;
    for (const float value : values) {
        range.min = std::min(range.min, value);
        range.max = std::max(range.max, value);
    }
    return range;
}

bool is_usable(float scale) { return std::isfinite(scale) && std::fabs(scale) >= std::numeric_limits<float>::min(); }

BlockParams middle_params(const BlockGrid& grid) { return {1.0F, static_cast<float>(grid.middle())}; }

BlockParams symmetric_params(float extreme, const BlockGrid& grid) {
    const auto middle = static_cast<float>(grid.middle());
    const float scale = grid.scale_sign == ScaleSign::Either ? extreme / -middle : std::fabs(extreme) / (middle - 1.0F);
    return is_usable(scale) ? BlockParams{scale, middle} : middle_params(grid);
}

float rounded_zero(float zero, const BlockGrid& grid) {
    if (grid.zero_points == ZeroPoints::Real) return zero;
    return std::clamp(std::nearbyintf(zero), 0.0F, static_cast<float>(grid.top()));
}

BlockParams range_params(Range range, const BlockGrid& grid) {
    const float scale = range.max / static_cast<float>(grid.top()) - range.min / static_cast<float>(grid.top());
    if (!is_usable(scale)) return middle_params(grid);
    return {scale, rounded_zero(-range.min / scale, grid)};
}

float extreme_of(std::span<const float> values) {
    float extreme = 0.0F;
    for (const float value : values)
        if (std::fabs(value) > std::fabs(extreme)) extreme = value;
    return extreme;
}

}  // namespace

BlockGrid BlockGrid::of(const WeightOnlyScheme& scheme) {
    return {scheme.bits, scheme.block, scheme.zero_points,
            scheme.form == WeightForm::MatMulNBits ? ScaleSign::Either : ScaleSign::Positive};
}

int block_code(float value, BlockParams params, const BlockGrid& grid) {
    // A real zero point is added before rounding: codes lie where (code - zero) * scale is nearest.
    const float code = std::nearbyintf(value / params.scale + params.zero);
    return static_cast<int>(std::clamp(code, 0.0F, static_cast<float>(grid.top())));
}

BlockParams nearest_params(std::span<const float> values, const BlockGrid& grid) {
    if (grid.zero_points == ZeroPoints::None) return symmetric_params(extreme_of(values), grid);
    return range_params(range_of(values), grid);
}

BlockParams least_error_params(std::span<const float> values, std::span<const float> importance, const BlockGrid& grid) {
    constexpr int kSteps = 40;  // of 2 %
    constexpr float kNorm = 2.4F;
    const BlockParams start = nearest_params(values, grid);
    BlockParams best = start;
    double least = std::numeric_limits<double>::infinity();
    const auto try_params = [&](BlockParams params) {
        if (!is_usable(params.scale)) return;
        double error = 0.0;
        for (std::size_t i = 0; i < values.size() && error < least; ++i) {
            const float miss = std::fabs(values[i] - block_value(block_code(values[i], params, grid), params));
            error += std::pow(miss, kNorm) * (importance.empty() ? 1.0F : importance[i]);
        }
        if (error >= least) return;
        least = error;
        best = params;
    };
    for (int step = 0; step < kSteps; ++step) {
        BlockParams shrunken = start;
        shrunken.scale *= 1.0F - 0.02F * static_cast<float>(step);
        if (grid.zero_points == ZeroPoints::None) {
            try_params(shrunken);
            continue;
        }
        const float zero = start.zero * start.scale / shrunken.scale;
        for (const float offset : {0.0F, -0.5F, 0.5F, 1.0F, -1.0F}) try_params({shrunken.scale, rounded_zero(zero + offset, grid)});
        if (step > kSteps / 2) break;
    }
    return best;
}

BlockCodes BlockCodes::sized(std::int64_t columns, std::int64_t inner, const BlockGrid& grid) {
    BlockCodes result{columns, inner, grid, {}, {}};
    result.codes.resize(static_cast<std::size_t>(columns * result.padded()));
    result.params.resize(static_cast<std::size_t>(columns * result.blocks()));
    return result;
}

std::vector<float> BlockCodes::values() const {
    std::vector<float> result(static_cast<std::size_t>(columns * inner));
    for (std::int64_t column = 0; column < columns; ++column)
        for (std::int64_t k = 0; k < inner; ++k)
            result[static_cast<std::size_t>(column * inner + k)] =
                block_value(codes[static_cast<std::size_t>(column * padded() + k)],
                            params[static_cast<std::size_t>(column * blocks() + k / grid.block)]);
    return result;
}

std::int64_t BlockCodes::bytes() const {
    const std::int64_t scales = 4 * columns * blocks();
    const std::int64_t zeros = grid.zero_points == ZeroPoints::Real      ? scales
                               : grid.zero_points == ZeroPoints::Integer ? columns * ((blocks() * grid.bits + 7) / 8)
                                                                         : 0;
    return columns * padded() * grid.bits / 8 + scales + zeros;
}

void encode_column(std::span<const float> values, BlockCodes& codes, std::int64_t column) {
    const std::int64_t padded = codes.padded(), blocks = codes.blocks();
    for (std::int64_t k = 0; k < padded; ++k) {
        const BlockParams params = codes.params[static_cast<std::size_t>(column * blocks + k / codes.grid.block)];
        const float value = k < codes.inner ? values[static_cast<std::size_t>(k)] : 0.0F;
        codes.codes[static_cast<std::size_t>(column * padded + k)] = static_cast<std::uint8_t>(block_code(value, params, codes.grid));
    }
}

BlockCodes quantize_blocks(std::span<const float> weights, std::int64_t columns, std::int64_t inner, const BlockGrid& grid,
                           WeightRounding rounding, int threads) {
    MCOMPRESS_CHECK(static_cast<std::int64_t>(weights.size()) == columns * inner && rounding != WeightRounding::Gptq);
    BlockCodes result = BlockCodes::sized(columns, inner, grid);
    const std::int64_t blocks = result.blocks();
    parallel_for(static_cast<std::size_t>(columns), threads, [&](int, std::size_t index) {
        const auto column = static_cast<std::int64_t>(index);
        const std::span<const float> values = weights.subspan(index * static_cast<std::size_t>(inner), static_cast<std::size_t>(inner));
        const std::span<BlockParams> params =
            std::span(result.params).subspan(static_cast<std::size_t>(column * blocks), static_cast<std::size_t>(blocks));
        if (rounding == WeightRounding::Hqq) {
            fit_hqq(values, grid, params);
        } else {
            for (std::int64_t block = 0; block < blocks; ++block) {
                const std::int64_t first = block * grid.block, count = std::min(grid.block, inner - first);
                params[static_cast<std::size_t>(block)] =
                    nearest_params(values.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)), grid);
            }
        }
        encode_column(values, result, column);
    });
    return result;
}

double weight_sqnr_db(std::span<const float> weights, std::span<const float> quantized) {
    MCOMPRESS_CHECK(weights.size() == quantized.size());
    double signal = 0.0, noise = 0.0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        const double weight = weights[i], error = weight - quantized[i];
        signal += weight * weight;
        noise += error * error;
    }
    return 10.0 * std::log10(signal / noise);
}

}  // namespace mcompress
