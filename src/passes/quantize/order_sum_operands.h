// order-sum-operands: the layer of a quantized residual sum becomes its second operand.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

std::unique_ptr<Pass> make_order_sum_operands();

}  // namespace mcompress
