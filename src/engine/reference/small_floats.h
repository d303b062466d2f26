// Tensors of the float types of 8 and 4 bits, to and from float32.
#pragma once

#include "tensor/small_float.h"
#include "tensor/tensor.h"

namespace mcompress::reference {

Tensor small_to_float(const Tensor& tensor);
/// Of float32 or float64 elements, each rounded once.
Tensor float_to_small(const Tensor& tensor, DType dtype, FloatOverflow overflow, PowerRounding rounding = PowerRounding::Up);

/// Elements of any float type and of int32 as float32; rejects no type: others come back as they are.
Tensor as_float32(const Tensor& tensor);

}  // namespace mcompress::reference
