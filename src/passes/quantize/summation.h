// In which order integer kernels add the products of one output channel.
#pragma once

#include <optional>

#include "ir/node.h"
#include "quant/saturation.h"

namespace mcompress {

/// Conv, ConvInteger: channels innermost (NHWC), weight [M, C / group, kernel …]. A depthwise kernel, one filter a channel, multiplies each product on its
/// own; with several filters a channel ONNX Runtime takes the general path, and pairs lie across the kernel window.
std::optional<SummationOrder> conv_summation(const Node& node, const Shape& weight);
/// Weight [C, M / group, kernel …]. Nothing with groups: rows do not lie along one axis then.
std::optional<SummationOrder> conv_transpose_summation(const Node& node, const Shape& weight);
std::optional<SummationOrder> gemm_summation(const Node& node, const Shape& weight);
/// Weight [… , K, N].
std::optional<SummationOrder> matmul_summation(const Node& node, const Shape& weight);

}  // namespace mcompress
