// The weights of a product, seen as one number for each pair of an input and an output channel.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "ir/graph.h"
#include "passes/pass.h"

namespace mcompress {

/// All weights between an input and an output channel: of a convolution its taps.
struct ProductEntry {
    std::int64_t input = 0, output = 0;
    double sum = 0.0;
    bool is_zero = true;
};

/// Where the channels of a product's operand and result lie.
struct ProductAxes {
    int input = 0, output = 0;
};

/// Conv, ConvTranspose, Gemm with its first operand as stored, MatMul with a matrix; nothing for others.
std::optional<ProductAxes> product_axes(const Node& node);

/// The weight when it is a floating-point constant, also behind a DequantizeLinear that the evaluator can compute; nothing otherwise.
std::optional<Tensor> product_weight(const Node& node, const Evaluator& evaluator);

/// Visits every pair that has weights, in order of storage. Requires product_axes() and a weight of the product's shape.
void for_each_entry(const Node& node, const Tensor& weight, const std::function<void(const ProductEntry&)>& visit);

/// What a constant `c` in an input channel adds to an output: c times the sum of the weights, unless the window leaves the image there.
enum class BorderEffect { None, Differs };
BorderEffect border_effect(const Node& node);

}  // namespace mcompress
