// Shape and work of Einsum.
#pragma once

#include "ops/op_info.h"

namespace mcompress {

void infer_einsum(InferContext& context);
/// The product of all distinct extents for two operands; nothing is counted for one operand, and pairwise evaluation is not assumed for more.
std::int64_t einsum_macs(const Node& node, std::span<const ValueType> inputs, std::span<const ValueType> outputs);

}  // namespace mcompress
