// Which weights of a layer become zero.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "prune/pattern.h"

namespace mcompress {

/// 1: the weight stays, 0: it becomes zero. As the weights lie: [outputs, channels * taps].
using Mask = std::vector<std::uint8_t>;

/// Whether the weights of all outputs are ranked together or those of each output among themselves.
enum class RankWithin { Layer, Output };

/// Takes out what scores least, `zeros` weights (as near to it as whole blocks get; N:M fixes the number itself). A block scores the mean of its weights.
/// Equal scores go by position, so the result depends on nothing else. Blocks of several outputs are ranked in the layer.
Mask choose_mask(const WeightGrid& grid, const Pattern& pattern, std::span<const double> scores, std::int64_t zeros, RankWithin within);

/// 0 where the mask takes out.
std::vector<float> masked(std::vector<float> matrix, std::span<const std::uint8_t> mask);

std::int64_t zeros_of(std::span<const std::uint8_t> mask);

}  // namespace mcompress
