// Builders of steps for dynamic quantization: ranges of activations are found while the plan runs.
#pragma once

#include <optional>

#include "engine/dynamic_products.h"
#include "engine/onednn/operators.h"

namespace mcompress::onednn {

/// DynamicQuantizeLinear. Gives the buffer of its zero point as a 32-bit number besides the node's outputs; nothing when it must run on a plain kernel.
std::optional<BufferId> build_dynamic_quantize(PlanBuilder& builder, const Node& node);

/// A convolution or a matrix product of dynamically quantized codes with the first `links` links of the chain behind it, by one primitive.
Built build_dynamic_convolution(PlanBuilder& builder, const DynamicProduct& product, BufferId zero_point, const Chain& chain,
                                std::size_t links);
Built build_dynamic_chain(PlanBuilder& builder, const DynamicProduct& product, BufferId zero_point, const Chain& chain, std::size_t links);

}  // namespace mcompress::onednn
