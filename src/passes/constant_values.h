// The numbers of constants, for passes that compute with them.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "ops/attributes.h"
#include "tensor/tensor.h"

namespace mcompress {

/// Every element is `value`. False for types that are not 16-, 32- or 64-bit floats or integers of 8 to 64 bits.
bool is_filled_with(const Tensor& tensor, double value);

/// float16, bfloat16, float and double.
bool is_float_to_compute_with(DType dtype);

/// The elements of a float16, bfloat16, float or double tensor; nothing for other types.
std::optional<std::vector<double>> doubles_of(const Tensor& tensor);

/// A tensor of one of these types. Values are rounded to nearest.
Tensor tensor_of_doubles(DType dtype, const Shape& shape, std::span<const double> values);

/// All elements are finite after rounding to `dtype`.
bool is_finite_as(DType dtype, std::span<const double> values);

}  // namespace mcompress
