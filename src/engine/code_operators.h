// Operators on 8-bit codes (QLinearConv and its like) as quantized groups: what an engine computes for DequantizeLinear, operator, QuantizeLinear.
#pragma once

#include "engine/fused_groups.h"

namespace mcompress {

/// A group of the node alone; nothing for other operators, for parameters that are not known and for forms that no engine has more than plain kernels for.
std::optional<QuantizedGroup> group_of_codes(const PropagatedValues& values, const Node& node);

/// "Conv" for QLinearConv, "Add" for QLinearAdd …; the operator's own name for others.
std::string_view float_operator(const Node& node);

}  // namespace mcompress
