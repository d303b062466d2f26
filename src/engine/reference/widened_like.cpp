#include "engine/reference/widened_like.h"

#include <algorithm>

namespace mcompress::reference {

namespace {

bool is_half(DType dtype) { return dtype == DType::Float16 || dtype == DType::BFloat16; }

}  // namespace

void run_widened_like(const KernelContext& context, KernelFunction kernel, std::span<const int> sources) {
    std::vector<Tensor> inputs(context.inputs.begin(), context.inputs.end());
    for (Tensor& input : inputs)
        if (is_half(input.dtype())) input = half_to_float(input);
    kernel(context.on(inputs, context.outputs));
    for (std::size_t i = 0; i < std::min(sources.size(), context.outputs.size()); ++i) {
        Tensor& output = context.outputs[i];
        const DType wanted = context.input(sources[i]).dtype();
        if (output.dtype() == DType::Float32 && is_half(wanted)) output = float_to_half(output, wanted);
    }
}

}  // namespace mcompress::reference
