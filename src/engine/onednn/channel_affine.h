// Batch normalization in inference is a factor and an offset a channel.
#pragma once

#include <optional>
#include <vector>

#include "engine/shape_propagation.h"

namespace mcompress::onednn {

/// factor * x + offset.
struct ChannelAffine {
    std::vector<double> factor, offset;
};

/// Of a BatchNormalization in inference whose four parameters are known, one number a channel; nothing for other nodes.
std::optional<ChannelAffine> channel_affine(const PropagatedValues& values, const Node& node);

/// The weights of a Conv ([M, C/G, …]) or a ConvTranspose ([C, M/G, …] in `groups` groups) with every output channel times its factor.
enum class OutputChannels { First, SecondOfGroups };
Tensor scaled_channels(const Tensor& weights, const ChannelAffine& affine, OutputChannels outputs, std::int64_t groups);

/// factor * bias + offset; a null bias is zero.
Tensor scaled_bias(const Tensor* bias, const ChannelAffine& affine);

}  // namespace mcompress::onednn
