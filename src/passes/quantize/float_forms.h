// Float operators in place of those that quantize their activations while the model runs, or that hold weights in codes of their own.
#pragma once

#include <string>

#include "passes/pass.h"

namespace mcompress {

/// MatMulInteger and ConvInteger behind a DynamicQuantizeLinear; DynamicQuantizeMatMul, DynamicQuantizeLSTM, QAttention and MatMulNBits of com.microsoft.
bool has_float_form(const Node& node);

/// Puts the float operator in place of the node, which is gone then or is that operator. Of a MatMulInteger or ConvInteger, the Cast and the products with
/// its scales go as well. Empty when done, else the reason; nothing has changed then.
std::string write_float_form(Node* node, const Evaluator& evaluator);

}  // namespace mcompress
