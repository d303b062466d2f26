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
        fail(codes::kTooLarge, "{}: an output of shape {} and type {} is larger than the limit of {} bytes", node.label(),
             shape.to_string(), dtype_name(dtype), largest_output_bytes);
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

const RuntimeValue& KernelContext::value(int index) const {
    static const RuntimeValue absent;
    MCOMPRESS_CHECK(values);
    return static_cast<std::size_t>(index) < values->inputs.size() ? values->inputs[static_cast<std::size_t>(index)] : absent;
}

const RuntimeValue& KernelContext::sequence(int index) const {
    const RuntimeValue& found = value(index);
    if (!found.is_sequence()) reject(format("input {} is no sequence but {}", index, found.to_string()));
    return found;
}

void KernelContext::set_value(int index, RuntimeValue value) const {
    MCOMPRESS_CHECK(values && static_cast<std::size_t>(index) < values->outputs.size());
    values->outputs[static_cast<std::size_t>(index)] = std::move(value);
}

void KernelContext::reject(std::string problem) const { fail(codes::kShapeInvalid, "{}: {}", node.label(), problem); }

void KernelContext::reject_dtype(DType dtype) const {
    fail(codes::kOperatorUnsupported, "node '{}': {} cannot be executed on elements of type {}", node.display_name(), node.op_type(),
         dtype_name(dtype));
}

namespace {

std::vector<Tensor> tensors_of(const KernelRow& row, const Node& node, std::span<const RuntimeValue* const> inputs) {
    std::vector<Tensor> tensors;
    tensors.reserve(inputs.size());
    for (const RuntimeValue* input : inputs) {
        if (input && row.carries == Carries::Tensors && !input->is_tensor())
            fail(codes::kOperatorUnsupported, "{}: input {} is no tensor but {}", node.label(), tensors.size(), input->to_string());
        tensors.push_back(input ? input->tensor() : Tensor());
    }
    return tensors;
}

/// What a kernel gave: values where it set some, tensors elsewhere.
std::vector<RuntimeValue> merge_outputs(std::vector<Tensor> tensors, std::vector<RuntimeValue> values) {
    values.resize(tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i)
        if (!values[i].defined()) values[i] = std::move(tensors[i]);
    return values;
}

}  // namespace

std::vector<RuntimeValue> run_kernel(const KernelRow& row, const Node& node, std::span<const RuntimeValue* const> inputs,
                                     std::size_t output_count, int threads, const BodyRunner* bodies, const Routines* routines) {
    const std::vector<Tensor> tensors = tensors_of(row, node, inputs);
    std::vector<Tensor> outputs(output_count);
    KernelContext context{node, tensors, outputs, threads, kLargestTensorBytes, bodies, nullptr, routines};
    if (row.carries == Carries::Tensors) {
        row.run(context);
        return merge_outputs(std::move(outputs), {});
    }
    std::vector<RuntimeValue> values, results(output_count);
    values.reserve(inputs.size());
    for (const RuntimeValue* input : inputs) values.push_back(input ? *input : RuntimeValue());
    const ValueArguments arguments{values, results};
    context.values = &arguments;
    row.run(context);
    return merge_outputs(std::move(outputs), std::move(results));
}

std::vector<Tensor> evaluate_node(const Node& node, std::span<const Tensor> inputs, int threads) {
    const KernelRow* row = node.subgraphs().empty() ? find_kernel_row(node) : nullptr;
    if (!row) fail(codes::kOperatorUnsupported, "node '{}': {} cannot be evaluated by itself", node.display_name(), node.op_type());
    std::int64_t limit = kFoldingGrowthBytes;
    for (const Tensor& input : inputs)
        if (input.defined()) limit += static_cast<std::int64_t>(input.byte_size());
    std::vector<Tensor> outputs(static_cast<std::size_t>(node.output_count()));
    const std::vector<RuntimeValue> given(inputs.begin(), inputs.end());
    std::vector<RuntimeValue> results(outputs.size());
    const ValueArguments arguments{given, results};
    row->run(KernelContext{node, inputs, outputs, threads, limit, nullptr, &arguments});
    for (std::size_t i = 0; i < results.size(); ++i) {
        if (!results[i].is_tensor())
            fail(codes::kOperatorUnsupported, "node '{}': {} gives {}, which is no constant", node.display_name(), node.op_type(),
                 results[i].to_string());
        if (results[i].defined()) outputs[i] = results[i].tensor();
    }
    return outputs;
}

}  // namespace mcompress
