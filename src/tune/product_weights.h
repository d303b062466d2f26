// The constant weights of a product, channel by channel: what equalization has to know of them.
#pragma once

#include <vector>

#include "ir/node.h"

namespace mcompress {

/// Conv, ConvTranspose, Gemm, MatMul with a constant float32 weight. Output o of group g sums over inputs [g inputs_per_group, (g + 1) inputs_per_group).
struct ProductWeights {
    std::size_t groups = 1;
    std::size_t outputs_per_group = 0;
    std::size_t inputs_per_group = 0;
    std::size_t taps = 1;
    std::vector<float> magnitude;  // [groups outputs_per_group][inputs_per_group]: greatest |w| over the taps
    std::vector<double> energy;    // by input: sum of w^2
};

bool is_product(const Node& node);

/// Requires is_product(), and known_tensor(node.input(1)) of type float32 with the rank of its operator.
ProductWeights read_weights(const Node& node);

}  // namespace mcompress
