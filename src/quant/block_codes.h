// Matrices as 4- or 8-bit codes in blocks: the grid of a block, and codes on it without samples.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "quant/weight_only.h"

namespace mcompress {

/// Whether scales may be negative. MatMulNBits takes them; TensorRT and QNN refuse a DequantizeLinear with one.
enum class ScaleSign { Either, Positive };

/// What a block's codes may be. Codes are counted from 0: real = (code - zero) * scale.
struct BlockGrid {
    int bits = 4;
    std::int64_t block = 32;
    ZeroPoints zero_points = ZeroPoints::None;
    ScaleSign scale_sign = ScaleSign::Either;

    static BlockGrid of(const WeightOnlyScheme& scheme);
    int top() const { return (1 << bits) - 1; }
    int middle() const { return 1 << (bits - 1); }
};

struct BlockParams {
    float scale = 1.0F;
    float zero = 0.0F;
};

int block_code(float value, BlockParams params, const BlockGrid& grid);
inline float block_value(int code, BlockParams params) { return (static_cast<float>(code) - params.zero) * params.scale; }

/// From the range of the values. Zero points None: m, the value of greatest magnitude, lies at code 0, s = m / -8 (4 bits; the rule of ONNX Runtime's
/// MLAS, where s is negative when m is positive); with positive scales s = |m| / 7. Otherwise s = (max - min) / 15 over a range that holds 0,
/// z = -min / s, rounded unless it is Real. A block without a usable scale gets s = 1 and codes that mean 0.
BlockParams nearest_params(std::span<const float> values, const BlockGrid& grid);

/// The grid with the least sum of importance * |w - value|^2.4 (none: 1 each) over ranges shrunk by up to 80 %; the error is that of the dequantized
/// value, in the weight's own unit. Grids with integer zero points are tried around each shrunken range, Real ones are fitted by least squares.
BlockParams least_error_params(std::span<const float> values, std::span<const float> importance, const BlockGrid& grid);

/// A matrix [inner, columns] by column, as MatMulNBits stores it.
struct BlockCodes {
    std::int64_t columns = 0;
    std::int64_t inner = 0;
    BlockGrid grid;
    std::vector<std::uint8_t> codes;  // [columns, blocks * block]; what pads the last block means 0, as far as a code can
    std::vector<BlockParams> params;  // [columns, blocks]

    static BlockCodes sized(std::int64_t columns, std::int64_t inner, const BlockGrid& grid);
    std::int64_t blocks() const { return inner == 0 ? 0 : (inner - 1) / grid.block + 1; }
    std::int64_t padded() const { return blocks() * grid.block; }
    /// The matrix again, [columns, inner].
    std::vector<float> values() const;
    /// Bytes of codes, scales and zero points as they are stored.
    std::int64_t bytes() const;
};

/// By the qualified name of the weight.
using BlockCodeTable = std::map<std::string, BlockCodes>;

/// `weights` is [columns, inner], finite. Nearest or Hqq; the same for any number of threads.
BlockCodes quantize_blocks(std::span<const float> weights, std::int64_t columns, std::int64_t inner, const BlockGrid& grid,
                           WeightRounding rounding, int threads = 1);

/// The codes of one column on grids that are given or, where `fit` says so, found. Used by the roundings; `values` [inner], `to` [padded()].
void encode_column(std::span<const float> values, BlockCodes& codes, std::int64_t column);

/// The grids of a column's blocks by half-quadratic quantization: lp norm 0.7, beta 10, kappa 1.01, at most 20 rounds, scales fixed while zero points move
/// towards mean(code - (w - shrunken error) / s); kept while the mean error falls. Then codes and grid are fitted to each other by least squares from
/// there and from narrower ranges. Zero points Integer or Real.
void fit_hqq(std::span<const float> values, const BlockGrid& grid, std::span<BlockParams> params);

/// -10 log10 of the squared error over the squares of the weights, [columns, inner].
double weight_sqnr_db(std::span<const float> weights, std::span<const float> quantized);

}  // namespace mcompress
