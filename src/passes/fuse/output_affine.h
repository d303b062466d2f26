// What the weight-folding passes share: a per-channel affine map behind a linear operator moves into its weights and bias.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ir/node.h"

namespace mcompress {

/// y[c] = scale[c] · x[c] + shift[c], one entry an output channel; computed in double, rounded to float once.
struct ChannelAffine {
    std::vector<double> scale;
    std::vector<double> shift;
};

/// Conv, ConvTranspose or Gemm of the default domain.
bool is_linear(const Node& node);

/// Output channels of a linear node whose weight is a known float tensor; nothing otherwise.
std::optional<std::int64_t> linear_channels(const Node& node);

/// Why the node's weight and bias cannot take an affine map: a complete clause, empty when they can.
std::string why_not_absorb(const Node& node);

/// W[c] ← scale[c] · W[c], b[c] ← scale[c] · b[c] + shift[c]; a missing bias is created when a shift needs one. For Gemm beta is folded into
/// the bias. Constants that others read are copied. False, and nothing is changed, when a result would not be finite.
/// Requires an empty why_not_absorb() and linear_channels() entries.
[[nodiscard]] bool absorb(Node* node, const ChannelAffine& affine);

}  // namespace mcompress
