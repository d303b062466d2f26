#include "engine/reference/dispatch.h"

#include "support/error.h"

namespace mcompress::reference {

namespace {

bool is_half(DType dtype) { return dtype == DType::Float16 || dtype == DType::BFloat16; }
bool is_small(DType dtype) { return dtype_bits(dtype) == 4 || dtype_bits(dtype) == 2; }

template <typename Half> Tensor widen(const Tensor& tensor) {
    Tensor result = Tensor::uninitialized(DType::Float32, tensor.shape());
    const Half* from = tensor.data<Half>();
    float* to = result.mutable_data<float>();
    for (std::int64_t i = 0; i < tensor.element_count(); ++i) to[i] = to_float(from[i]);
    return result;
}

}  // namespace

Tensor half_to_float(const Tensor& tensor) { return tensor.dtype() == DType::Float16 ? widen<Float16>(tensor) : widen<BFloat16>(tensor); }

Tensor float_to_half(const Tensor& tensor, DType half) {
    Tensor result = Tensor::uninitialized(half, tensor.shape());
    const float* from = tensor.data<float>();
    const std::int64_t count = tensor.element_count();
    if (half == DType::Float16) {
        Float16* to = result.mutable_data<Float16>();
        for (std::int64_t i = 0; i < count; ++i) to[i] = to_float16(from[i]);
    } else {
        BFloat16* to = result.mutable_data<BFloat16>();
        for (std::int64_t i = 0; i < count; ++i) to[i] = to_bfloat16(from[i]);
    }
    return result;
}

void run_widened(const KernelContext& context, KernelFunction kernel) {
    DType half = DType::Undefined;
    for (const Tensor& input : context.inputs)
        if (is_half(input.dtype()) && half == DType::Undefined) half = input.dtype();
    if (half == DType::Undefined) return kernel(context);
    std::vector<Tensor> inputs(context.inputs.begin(), context.inputs.end());
    for (Tensor& input : inputs)
        if (is_half(input.dtype())) input = half_to_float(input);
    KernelContext wide{context.node, inputs, context.outputs, context.threads, context.largest_output_bytes, context.bodies};
    kernel(wide);
    for (Tensor& output : context.outputs)
        if (output.dtype() == DType::Float32) output = float_to_half(output, half);
}

Tensor unpack_small(const Tensor& tensor) {
    const int bits = dtype_bits(tensor.dtype());
    const bool is_signed = is_signed_integer(tensor.dtype());
    Tensor result = Tensor::uninitialized(is_signed ? DType::Int8 : DType::UInt8, tensor.shape());
    std::byte* to = result.mutable_bytes();
    for (std::int64_t i = 0; i < tensor.element_count(); ++i) {
        const std::int64_t bit = i * bits;
        int value = (std::to_integer<int>(tensor.bytes()[bit / 8]) >> (bit % 8)) & ((1 << bits) - 1);
        if (is_signed && value >= 1 << (bits - 1)) value -= 1 << bits;
        to[i] = static_cast<std::byte>(value);
    }
    return result;
}

Tensor pack_small(const Tensor& bytes, DType dtype) {
    const int bits = dtype_bits(dtype);
    Tensor result(dtype, bytes.shape());
    std::byte* to = result.mutable_bytes();
    for (std::int64_t i = 0; i < bytes.element_count(); ++i) {
        const std::int64_t bit = i * bits;
        const int value = std::to_integer<int>(bytes.bytes()[i]) & ((1 << bits) - 1);
        to[bit / 8] |= static_cast<std::byte>(value << (bit % 8));
    }
    return result;
}

namespace {

/// Strings by index: entry 0 is the empty string, so that a zero fill means what it should.
class StringPool {
public:
    Tensor add(const Tensor& tensor) {
        std::vector<std::int64_t> indices;
        for (const std::string& text : tensor.strings()) {
            indices.push_back(static_cast<std::int64_t>(texts_.size()));
            texts_.push_back(text);
        }
        return Tensor::from_values(tensor.shape(), indices);
    }
    Tensor get(const Tensor& indices) const {
        std::vector<std::string> values;
        for (const std::int64_t index : indices.values<std::int64_t>()) values.push_back(texts_[static_cast<std::size_t>(index)]);
        return Tensor::from_strings(indices.shape(), std::move(values));
    }

private:
    std::vector<std::string> texts_{""};
};

}  // namespace

void run_moving(const KernelContext& context, KernelFunction kernel) {
    DType special = DType::Undefined;
    for (const Tensor& input : context.inputs)
        if (input.dtype() == DType::String || is_small(input.dtype())) special = input.dtype();
    if (special == DType::Undefined) return kernel(context);
    StringPool pool;
    std::vector<Tensor> inputs(context.inputs.begin(), context.inputs.end());
    for (Tensor& input : inputs)
        if (input.dtype() == special) input = special == DType::String ? pool.add(input) : unpack_small(input);
    KernelContext plain{context.node, inputs, context.outputs, context.threads, context.largest_output_bytes, context.bodies};
    kernel(plain);
    for (Tensor& output : context.outputs)
        if (output.defined()) output = special == DType::String ? pool.get(output) : pack_small(output, special);
}

std::vector<std::int64_t> integers(const KernelContext& context, const Tensor& tensor) {
    if (tensor.dtype() == DType::Int64) return {tensor.values<std::int64_t>().begin(), tensor.values<std::int64_t>().end()};
    if (tensor.dtype() == DType::Int32) return {tensor.values<std::int32_t>().begin(), tensor.values<std::int32_t>().end()};
    context.reject_dtype(tensor.dtype());
}

std::int64_t integer(const KernelContext& context, const Tensor& tensor) {
    if (tensor.element_count() != 1) context.reject(format("expected one number, found shape {}", tensor.shape().to_string()));
    return integers(context, tensor)[0];
}

int checked_axis(const KernelContext& context, std::int64_t axis, int rank) {
    const auto normalized = normalize_axis(axis, rank);
    if (!normalized) context.reject(format("axis {} does not fit a tensor of rank {}", axis, rank));
    return *normalized;
}

}  // namespace mcompress::reference
