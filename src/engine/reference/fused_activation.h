// Activations by name, behind fused convolutions and products, and the forms of GELU.
#pragma once

#include <cmath>
#include <numbers>

#include "engine/reference/kernel.h"
#include "ops/microsoft.h"

namespace mcompress::reference {

/// Applies the activation in place to a tensor of float or double; other types are rejected unless there is no activation.
void apply_activation(const KernelContext& context, const FusedActivation& activation, Tensor& tensor);

inline double exact_gelu(double x) { return 0.5 * x * (1.0 + std::erf(x / std::numbers::sqrt2)); }
inline double tanh_gelu(double x) {
    return 0.5 * x * (1.0 + std::tanh(std::numbers::sqrt2 * std::numbers::inv_sqrtpi * (x + 0.044715 * x * x * x)));
}
inline double swish(double x, double alpha) { return x / (1.0 + std::exp(-alpha * x)); }

}  // namespace mcompress::reference
