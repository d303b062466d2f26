// Dynamically quantized products: MatMulInteger and ConvInteger on what a DynamicQuantizeLinear gives, and the multiplications that make floats of its sums.
#pragma once

#include <functional>
#include <vector>

#include "engine/fused_groups.h"

namespace mcompress {

/// output = float(codes · weights) * source scale * weight scale, as exporters write it: MatMulInteger or ConvInteger → Cast → Mul by the product of both scales, or
/// by one after the other.
struct DynamicProduct {
    /// Which multiplications the graph makes: the next layer's codes hang on the last bit.
    enum class Order { ByProductOfScales, BySourceFirst, ByWeightsFirst };
    Order order = Order::ByProductOfScales;
    const Node* quantizer = nullptr;  // shared by all products that read its codes
    std::vector<const Node*> nodes;   // the product, Cast, Mul …, in order of execution; the last gives the output
    QuantizedWeights weights;         // [K, N], axis 1; of a convolution [M, C / group, …], axis 0
    const Value* output = nullptr;
};

/// A value inside is read by nothing else, and is not kept. The product of the scales may lie outside.
std::vector<DynamicProduct> find_dynamic_products(const PropagatedValues& values, const std::function<bool(const Value&)>& is_kept);

}  // namespace mcompress
