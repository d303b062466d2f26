#include "engine/reference/small_floats.h"

#include <array>

#include "engine/reference/dispatch.h"

namespace mcompress::reference {

namespace {

bool is_packed(DType dtype) { return dtype_bits(dtype) < 8; }

}  // namespace

Tensor small_to_float(const Tensor& tensor) {
    const Tensor codes = is_packed(tensor.dtype()) ? unpack_small(tensor) : tensor;
    std::array<float, 256> table;
    for (std::size_t code = 0; code < table.size(); ++code)
        table[code] = decode_small_float(tensor.dtype(), static_cast<std::uint8_t>(code));
    Tensor result = Tensor::uninitialized(DType::Float32, tensor.shape());
    float* to = result.mutable_data<float>();
    for (std::int64_t i = 0; i < tensor.element_count(); ++i) to[i] = table[std::to_integer<std::size_t>(codes.bytes()[i])];
    return result;
}

Tensor float_to_small(const Tensor& tensor, DType dtype, FloatOverflow overflow, PowerRounding rounding) {
    Tensor codes = Tensor::uninitialized(is_packed(dtype) ? DType::UInt8 : dtype, tensor.shape());
    std::byte* to = codes.mutable_bytes();
    const auto encode = [&](const auto* from) {
        for (std::int64_t i = 0; i < tensor.element_count(); ++i)
            to[i] = static_cast<std::byte>(encode_small_float(dtype, static_cast<double>(from[i]), overflow, rounding));
    };
    if (tensor.dtype() == DType::Float64) encode(tensor.data<double>());
    else encode(tensor.data<float>());
    return is_packed(dtype) ? pack_small(codes, dtype) : codes;
}

Tensor as_float32(const Tensor& tensor) {
    if (tensor.dtype() == DType::Float16 || tensor.dtype() == DType::BFloat16) return half_to_float(tensor);
    if (is_small_float(tensor.dtype())) return small_to_float(tensor);
    if (tensor.dtype() != DType::Int32) return tensor;
    Tensor result = Tensor::uninitialized(DType::Float32, tensor.shape());
    for (std::int64_t i = 0; i < tensor.element_count(); ++i)
        result.mutable_data<float>()[i] = static_cast<float>(tensor.data<std::int32_t>()[i]);
    return result;
}

}  // namespace mcompress::reference
