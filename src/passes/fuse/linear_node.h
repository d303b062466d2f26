// Conv, ConvTranspose and Gemm as what they have in common: linear in constant weights, with a bias, one number a channel.
#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"

namespace mcompress {

/// y[c] = scale[c] x[c] + shift[c] for every channel c (axis 1 of the output).
struct ChannelAffine {
    std::vector<double> scale;
    std::vector<double> shift;
};

bool is_linear_node(const Node& node);

/// Why the weights and the bias cannot be changed: they are not constant, or not floating point. Empty when they can.
std::string why_not_constant_weights(const Node& node);

/// The extent of axis 1 of the output, from the weights. Requires an empty why_not_constant_weights().
std::int64_t output_channels(const Node& node);

/// Rank of the output, from the weights.
int output_rank(const Node& node);

/// Makes the node compute `affine` of what it computes now:
///     Conv           W'[m, …] = scale[m] W[m, …]                                 b'[m] = scale[m] b[m] + shift[m]
///     ConvTranspose  W'[c, j, …] = scale[g M/G + j] W[c, j, …], g = c / (C/G)    b' as above
///     Gemm           B'[…, n] = scale[n] B[…, n] (axis 0 when transposed)        C'[…, n] = beta scale[n] C[…, n] + shift[n], beta' = 1
/// computed in double. Constants that others read too are copied. Nothing is written and the reason returned when a result would not be
/// finite.
std::string absorb(Node& node, const ChannelAffine& affine);

}  // namespace mcompress
