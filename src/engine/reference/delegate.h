// Kernels of standard operators, for operators of other domains that are one of them with something added.
#pragma once

#include <string_view>
#include <vector>

#include "engine/reference/kernel.h"
#include "ops/standard_op.h"

namespace mcompress::reference {

/// The kernel of an ai.onnx operator; kOperatorUnsupported when there is none.
KernelFunction standard_kernel(const KernelContext& context, std::string_view type);

/// Runs it for this node (with its attributes) on other inputs, and returns its outputs.
std::vector<Tensor> run_standard(const KernelContext& context, std::string_view type, std::span<const Tensor> inputs);

/// A row's function: the standard operator on the inputs as they are.
template <OpName name> void as_standard(const KernelContext& context) { standard_kernel(context, name.view())(context); }

/// [N, spatial …, C] → [N, C, spatial …] and back. Tensors of rank below 3 stay.
Tensor channels_first(const KernelContext& context, const Tensor& tensor);
Tensor channels_last(const KernelContext& context, const Tensor& tensor);
/// Axes in the order of `axes`.
Tensor permuted(const KernelContext& context, const Tensor& tensor, const std::vector<int>& axes);

}  // namespace mcompress::reference
