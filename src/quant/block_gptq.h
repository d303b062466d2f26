// GPTQ: codes whose errors the weights that follow make good (Frantar et al., "GPTQ: Accurate Post-Training Quantization", 2022).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "quant/block_codes.h"

namespace mcompress {

/// What GPTQ needs to know about a layer's inputs.
struct GptqFactor {
    std::vector<float> upper;     // [inner, inner]: U with U^T U = (X^T X + damping)^-1
    std::vector<float> products;  // [inner, inner]: X^T X + damping
    double damping = 0.0;         // share of the diagonal's mean that it took
};

/// From the sum of products X^T X [inner, inner] of a layer's inputs, in any unit. An input that was 0 in all samples is tied to no other, so its weights
/// are rounded on their own (the reference program sets them to 0: an input that samples did not meet would lose its weights). `damping` is a share of the
/// diagonal's mean; where the matrix has no factor, ten times more is taken, up to 10. Nothing when that does not help either.
std::optional<GptqFactor> factorize_products(std::vector<double> products, std::int64_t inner, double damping = 0.01);

/// `weights` is [columns, inner], finite. Blocks of consecutive inputs in their order, since stored blocks have no index of their own. The grid of a block
/// follows from its weights as the errors before it left them, also those of the same 128 columns, or is the one that `grids` has for it. The same for any number of threads.
BlockCodes quantize_blocks_gptq(std::span<const float> weights, std::int64_t columns, std::int64_t inner, const BlockGrid& grid,
                                const GptqFactor& factor, int threads = 1, const BlockCodes* grids = nullptr);

/// Lowers tr(D P D^T), D = weights - quantized, P the damped products, by steps along single unknowns: a code moves to the best one given all others, a
/// block's scale (and its zero point, where it is Real) to the best one given the codes; four rounds over all of them. No step raises it. The same for any
/// number of threads.
void refine_blocks(std::span<const float> weights, const GptqFactor& factor, BlockCodes& codes, int threads = 1);

/// Of each column the codes with the lesser tr(D P D^T), as above.
void keep_better_columns(std::span<const float> weights, const GptqFactor& factor, const BlockCodes& other, BlockCodes& codes,
                         int threads = 1);

/// The squared error of a layer's outputs, tr(D X^T X D^T) with D = weights - quantized [columns, inner].
double output_error(std::span<const float> weights, std::span<const float> quantized, std::int64_t columns, std::int64_t inner,
                    std::span<const double> products);

}  // namespace mcompress
