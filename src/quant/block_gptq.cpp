#include "quant/block_gptq.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "quant/error_walk.h"
#include "support/check.h"
#include "support/parallel.h"
#include "tensor/linalg.h"

namespace mcompress {
namespace {

constexpr std::int64_t kRows = 64;  // columns of the matrix that are worked on together

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

BlockParams params_for(std::span<const float> values, const BlockGrid& grid) {
    if (grid.zero_points == ZeroPoints::None) return least_error_params(values, {}, grid);
    BlockParams params;
    fit_hqq(values, grid, std::span(&params, 1));
    return params;
}

/// Columns [first, first + count) of the matrix, on the grids of `fixed` where it is given.
void round_columns(std::span<const float> weights, std::int64_t first, std::int64_t count, const GptqFactor& factor,
                   const BlockCodes* fixed, BlockCodes& codes) {
    const std::int64_t inner = codes.inner, blocks = codes.blocks();
    const BlockGrid& grid = codes.grid;
    const auto part = weights.subspan(at(first * inner), at(count * inner));
    std::vector<float> moving(part.begin(), part.end());
    walk_errors(factor.upper, inner, moving, count, [&](std::int64_t row, std::int64_t k, std::span<const float> values) {
        const std::size_t block = at((first + row) * blocks + k / grid.block);
        BlockParams& params = codes.params[block];
        if (fixed) params = fixed->params[block];
        else if (k % grid.block == 0) params = params_for(values.subspan(at(k), at(std::min(grid.block, inner - k))), grid);
        const int code = block_code(values[at(k)], params, grid);
        codes.codes[at((first + row) * codes.padded() + k)] = static_cast<std::uint8_t>(code);
        return block_value(code, params);
    });
}

double mean_diagonal(const std::vector<double>& products, std::int64_t inner) {
    double trace = 0.0;
    for (std::int64_t k = 0; k < inner; ++k) trace += products[at(k * inner + k)];
    return trace / static_cast<double>(inner);
}

/// One column of the matrix on its way down; `slopes` [inner] is P (weights - values), half the error's descent along each value.
class Descent {
public:
    Descent(std::span<const float> products, std::span<float> slopes, BlockCodes& codes, std::int64_t column)
        : products_(products), slopes_(slopes), codes_(codes), column_(column) {}

    void move_codes() {
        for (std::int64_t k = 0; k < codes_.inner; ++k) {
            const BlockParams params = params_of(k / codes_.grid.block);
            std::uint8_t& code = codes_.codes[at(column_ * codes_.padded() + k)];
            const float value = block_value(code, params);
            const float curvature = products_[at(k * codes_.inner + k)];
            const int best = block_code(value + slopes_[at(k)] / curvature, params, codes_.grid);
            const float step = block_value(best, params) - value;
            if (best == code || !(step * (2.0F * slopes_[at(k)] - step * curvature) > 0.0F)) continue;
            code = static_cast<std::uint8_t>(best);
            descend(k, step);
        }
    }

    void move_params() {
        for (std::int64_t block = 0; block < codes_.blocks(); ++block) {
            BlockParams& params = params_of(block);
            const float scale = params.scale + step_along(block, [&](std::int64_t k) { return distance(k, params); });
            if (scale * params.scale > 0.0F && std::isfinite(scale) && std::fabs(scale) >= std::numeric_limits<float>::min()) {
                const float step = scale - params.scale;
                for (std::int64_t k = first(block); k < last(block); ++k) descend(k, step * distance(k, params));
                params.scale = scale;
            }
            if (codes_.grid.zero_points != ZeroPoints::Real) continue;
            const float shift = step_along(block, [](std::int64_t) { return 1.0F; });
            for (std::int64_t k = first(block); k < last(block); ++k) descend(k, shift);
            params.zero -= shift / params.scale;
        }
    }

private:
    BlockParams& params_of(std::int64_t block) { return codes_.params[at(column_ * codes_.blocks() + block)]; }
    std::int64_t first(std::int64_t block) const { return block * codes_.grid.block; }
    std::int64_t last(std::int64_t block) const { return std::min(first(block) + codes_.grid.block, codes_.inner); }
    float distance(std::int64_t k, BlockParams params) const {
        return static_cast<float>(codes_.codes[at(column_ * codes_.padded() + k)]) - params.zero;
    }

    /// Value k has become greater by `step`.
    void descend(std::int64_t k, float step) {
        const float* const row = products_.data() + k * codes_.inner;
        for (std::int64_t j = 0; j < codes_.inner; ++j) slopes_[at(j)] -= step * row[j];
    }

    /// The best step for a block's values along a direction.
    template <typename Direction> float step_along(std::int64_t block, Direction&& direction) const {
        double slope = 0.0, curvature = 0.0;
        for (std::int64_t i = first(block); i < last(block); ++i) {
            slope += static_cast<double>(direction(i) * slopes_[at(i)]);
            for (std::int64_t j = first(block); j < last(block); ++j)
                curvature += static_cast<double>(direction(i) * direction(j) * products_[at(i * codes_.inner + j)]);
        }
        return curvature > 0.0 ? static_cast<float>(slope / curvature) : 0.0F;
    }

    std::span<const float> products_;
    std::span<float> slopes_;
    BlockCodes& codes_;
    std::int64_t column_;
};

/// Columns worked on together: fn(first, count, errors, slopes) with errors = weights - values and slopes = errors P, both [count, inner].
template <typename Fn>
void for_column_parts(std::span<const float> weights, const GptqFactor& factor, const BlockCodes& codes, int threads, Fn&& fn) {
    const std::int64_t columns = codes.columns, inner = codes.inner;
    MCOMPRESS_CHECK(static_cast<std::int64_t>(weights.size()) == columns * inner && factor.products.size() == at(inner * inner));
    const std::vector<float> values = codes.values();
    parallel_for(at((columns + kRows - 1) / kRows), threads, [&](int, std::size_t index) {
        const std::int64_t first = static_cast<std::int64_t>(index) * kRows, count = std::min(kRows, columns - first);
        std::vector<float> errors(at(count * inner)), slopes(at(count * inner));
        for (std::size_t i = 0; i < errors.size(); ++i) errors[i] = weights[at(first * inner) + i] - values[at(first * inner) + i];
        linalg::gemm({errors}, {factor.products}, slopes, {count, inner, inner});
        fn(first, count, errors, slopes);
    });
}

/// The squared error of the layer's outputs, damped, by column.
std::vector<double> column_errors(std::span<const float> weights, const GptqFactor& factor, const BlockCodes& codes, int threads) {
    std::vector<double> sums(at(codes.columns));
    for_column_parts(weights, factor, codes, threads, [&](std::int64_t first, std::int64_t, const auto& errors, const auto& slopes) {
        for (std::size_t i = 0; i < errors.size(); ++i)
            sums[at(first) + i / at(codes.inner)] += static_cast<double>(errors[i]) * static_cast<double>(slopes[i]);
    });
    return sums;
}

/// Codes behind the last input mean 0.
void pad(BlockCodes& codes) {
    for (std::int64_t column = 0; column < codes.columns; ++column) {
        if (codes.inner == codes.padded()) return;
        const BlockParams params = codes.params[at((column + 1) * codes.blocks() - 1)];
        for (std::int64_t k = codes.inner; k < codes.padded(); ++k)
            codes.codes[at(column * codes.padded() + k)] = static_cast<std::uint8_t>(block_code(0.0F, params, codes.grid));
    }
}

}  // namespace

std::optional<GptqFactor> factorize_products(std::vector<double> products, std::int64_t inner, double damping) {
    MCOMPRESS_CHECK(static_cast<std::int64_t>(products.size()) == inner * inner);
    const double mean = mean_diagonal(products, inner);
    // Their size does not matter, so long as it is no other one's.
    for (std::int64_t k = 0; k < inner; ++k)
        if (products[at(k * inner + k)] == 0.0) products[at(k * inner + k)] = mean;
    for (; damping <= 10.0; damping *= 10.0) {
        std::vector<double> factor = products;
        if (linalg::inverse_upper_cholesky(factor, inner, damping) != linalg::Factorization::Done) continue;
        const double added = damping * mean_diagonal(products, inner);
        for (std::int64_t k = 0; k < inner; ++k) products[at(k * inner + k)] += added;
        return GptqFactor{{factor.begin(), factor.end()}, {products.begin(), products.end()}, damping};
    }
    return std::nullopt;
}

BlockCodes quantize_blocks_gptq(std::span<const float> weights, std::int64_t columns, std::int64_t inner, const BlockGrid& grid,
                                const GptqFactor& factor, int threads, const BlockCodes* grids) {
    MCOMPRESS_CHECK(static_cast<std::int64_t>(weights.size()) == columns * inner);
    MCOMPRESS_CHECK(!grids || (grids->columns == columns && grids->inner == inner && grids->grid.block == grid.block));
    MCOMPRESS_CHECK(static_cast<std::int64_t>(factor.upper.size()) == inner * inner);
    BlockCodes codes = BlockCodes::sized(columns, inner, grid);
    parallel_for(at((columns + kRows - 1) / kRows), threads, [&](int, std::size_t index) {
        const std::int64_t first = static_cast<std::int64_t>(index) * kRows;
        round_columns(weights, first, std::min(kRows, columns - first), factor, grids, codes);
    });
    pad(codes);
    return codes;
}

void refine_blocks(std::span<const float> weights, const GptqFactor& factor, BlockCodes& codes, int threads) {
    constexpr int kRounds = 4;
    for_column_parts(weights, factor, codes, threads, [&](std::int64_t first, std::int64_t count, const auto&, auto& slopes) {
        for (std::int64_t row = 0; row < count; ++row) {
            Descent descent(factor.products, std::span(slopes).subspan(at(row * codes.inner), at(codes.inner)), codes, first + row);
            for (int round = 0; round < kRounds; ++round) {
                descent.move_params();
                descent.move_codes();
            }
        }
    });
}

void keep_better_columns(std::span<const float> weights, const GptqFactor& factor, const BlockCodes& other, BlockCodes& codes,
                         int threads) {
    const std::int64_t columns = codes.columns, inner = codes.inner;
    MCOMPRESS_CHECK(other.columns == columns && other.inner == inner && other.grid.block == codes.grid.block);
    const std::vector<double> here = column_errors(weights, factor, codes, threads), there = column_errors(weights, factor, other, threads);
    for (std::int64_t column = 0; column < columns; ++column) {
        if (!(there[at(column)] < here[at(column)])) continue;
        std::copy_n(other.codes.begin() + column * other.padded(), other.padded(), codes.codes.begin() + column * codes.padded());
        std::copy_n(other.params.begin() + column * other.blocks(), other.blocks(), codes.params.begin() + column * codes.blocks());
    }
}

double output_error(std::span<const float> weights, std::span<const float> quantized, std::int64_t columns, std::int64_t inner,
                    std::span<const double> products) {
    MCOMPRESS_CHECK(weights.size() == quantized.size() && static_cast<std::int64_t>(weights.size()) == columns * inner);
    std::vector<float> errors(weights.size()), reach(weights.size());
    for (std::size_t i = 0; i < errors.size(); ++i) errors[i] = weights[i] - quantized[i];
    const std::vector<float> narrowed(products.begin(), products.end());
    linalg::gemm({errors}, {narrowed}, reach, {columns, inner, inner});
    double sum = 0.0;
    for (std::size_t i = 0; i < errors.size(); ++i) sum += static_cast<double>(errors[i]) * static_cast<double>(reach[i]);
    return sum;
}

}  // namespace mcompress
