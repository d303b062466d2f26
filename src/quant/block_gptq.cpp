#include "quant/block_gptq.h"

#include <algorithm>

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

/// Columns [first, first + count) of the matrix.
void round_columns(std::span<const float> weights, std::int64_t first, std::int64_t count, const GptqFactor& factor, BlockCodes& codes) {
    const std::int64_t inner = codes.inner, blocks = codes.blocks();
    const BlockGrid& grid = codes.grid;
    const auto part = weights.subspan(at(first * inner), at(count * inner));
    std::vector<float> moving(part.begin(), part.end());
    walk_errors(factor.upper, inner, moving, count, [&](std::int64_t row, std::int64_t k, std::span<const float> values) {
        BlockParams& params = codes.params[at((first + row) * blocks + k / grid.block)];
        if (k % grid.block == 0) params = params_for(values.subspan(at(k), at(std::min(grid.block, inner - k))), grid);
        const int code = block_code(values[at(k)], params, grid);
        codes.codes[at((first + row) * codes.padded() + k)] = static_cast<std::uint8_t>(code);
        return block_value(code, params);
    });
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

std::optional<GptqFactor> factorize_products(std::vector<double> products, std::int64_t inner) {
    MCOMPRESS_CHECK(static_cast<std::int64_t>(products.size()) == inner * inner);
    double trace = 0.0;
    for (std::int64_t k = 0; k < inner; ++k) trace += products[at(k * inner + k)];
    // Their size does not matter, so long as it is no other one's.
    for (std::int64_t k = 0; k < inner; ++k)
        if (products[at(k * inner + k)] == 0.0) products[at(k * inner + k)] = trace / static_cast<double>(inner);
    for (const double damping : {0.01, 0.1, 1.0, 10.0}) {
        std::vector<double> factor = products;
        if (linalg::inverse_upper_cholesky(factor, inner, damping) != linalg::Factorization::Done) continue;
        return GptqFactor{std::vector<float>(factor.begin(), factor.end()), damping};
    }
    return std::nullopt;
}

BlockCodes quantize_blocks_gptq(std::span<const float> weights, std::int64_t columns, std::int64_t inner, const BlockGrid& grid,
                                const GptqFactor& factor, int threads) {
    MCOMPRESS_CHECK(static_cast<std::int64_t>(weights.size()) == columns * inner);
    MCOMPRESS_CHECK(static_cast<std::int64_t>(factor.upper.size()) == inner * inner);
    BlockCodes codes = BlockCodes::sized(columns, inner, grid);
    parallel_for(at((columns + kRows - 1) / kRows), threads, [&](int, std::size_t index) {
        const std::int64_t first = static_cast<std::int64_t>(index) * kRows;
        round_columns(weights, first, std::min(kRows, columns - first), factor, codes);
    });
    pad(codes);
    return codes;
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
