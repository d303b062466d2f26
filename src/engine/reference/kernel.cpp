#include "engine/reference/kernel.h"

#include "support/error.h"

namespace mcompress {

const Tensor& KernelContext::input(int index) const {
    static const Tensor absent;
    return static_cast<std::size_t>(index) < inputs.size() ? inputs[static_cast<std::size_t>(index)] : absent;
}

const Tensor& KernelContext::required(int index) const {
    const Tensor& tensor = input(index);
    if (!tensor.defined()) reject(format("input {} is missing", index));
    return tensor;
}

bool KernelContext::wants_output(int index) const { return node.output(index) != nullptr; }

void KernelContext::check_size(DType dtype, const Shape& shape) const {
    const auto elements = shape.checked_element_count();
    if (!elements) reject(format("output shape {} is impossible", shape.to_string()));
    const int bits = dtype == DType::String ? 256 : dtype_bits(dtype);
    if (*elements > largest_output_bytes / bits * 8)
        fail(codes::kTooLarge, "node '{}' ({}): an output of shape {} and type {} is larger than the limit of {} bytes",
             node.display_name(), node.op_type(), shape.to_string(), dtype_name(dtype), largest_output_bytes);
}

Tensor& KernelContext::make_output(int index, DType dtype, Shape shape) const {
    check_size(dtype, shape);
    MCOMPRESS_CHECK(static_cast<std::size_t>(index) < outputs.size());
    return outputs[static_cast<std::size_t>(index)] = Tensor::uninitialized(dtype, std::move(shape));
}

void KernelContext::set_output(int index, Tensor tensor) const {
    MCOMPRESS_CHECK(static_cast<std::size_t>(index) < outputs.size());
    outputs[static_cast<std::size_t>(index)] = std::move(tensor);
}

void KernelContext::reject(std::string problem) const {
    fail(codes::kShapeInvalid, "node '{}' ({}): {}", node.display_name(), node.op_type(), problem);
}

void KernelContext::reject_dtype(DType dtype) const {
    fail(codes::kOperatorUnsupported, "node '{}': {} cannot be executed on elements of type {}", node.display_name(), node.op_type(),
         dtype_name(dtype));
}

std::vector<Tensor> evaluate_node(const Node& node, std::span<const Tensor> inputs, int threads) {
    const KernelFunction kernel = node.subgraphs().empty() ? find_reference_kernel(node) : nullptr;
    if (!kernel) fail(codes::kOperatorUnsupported, "node '{}': {} cannot be evaluated by itself", node.display_name(), node.op_type());
    std::int64_t limit = kFoldingGrowthBytes;
    for (const Tensor& input : inputs)
        if (input.defined()) limit += static_cast<std::int64_t>(input.byte_size());
    std::vector<Tensor> outputs(static_cast<std::size_t>(node.output_count()));
    kernel(KernelContext{node, inputs, outputs, threads, limit});
    return outputs;
}

}  // namespace mcompress
