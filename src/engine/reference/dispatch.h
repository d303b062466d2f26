// From a run-time element type to a template instance.
#pragma once

#include "engine/reference/kernel.h"
#include "ops/attributes.h"
#include "tensor/float16.h"

namespace mcompress::reference {

template <typename... Types> struct TypeList {};

using Floats = TypeList<float, double>;
using SignedIntegers = TypeList<std::int8_t, std::int16_t, std::int32_t, std::int64_t>;
using Integers = TypeList<std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>;
using Signed = TypeList<float, double, std::int8_t, std::int16_t, std::int32_t, std::int64_t>;
using Numbers = TypeList<float, double, std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t, std::uint32_t,
                         std::uint64_t>;

/// Calls body.operator()<T>() for the type of the list that stores `dtype`; rejects other types.
template <typename... Types, typename Body> void dispatch(TypeList<Types...>, const KernelContext& context, DType dtype, Body&& body) {
    const bool found = ((dtype == dtype_of<Types> ? (body.template operator()<Types>(), true) : false) || ...);
    if (!found) context.reject_dtype(dtype);
}

/// An unsigned type of 1, 2, 4 or 8 bytes, or a pair, to move elements of any type by.
struct Bytes16 {
    std::uint64_t low, high;
};

template <typename Body> void dispatch_size(const KernelContext& context, DType dtype, Body&& body) {
    switch (dtype_bits(dtype)) {
        case 8: return body.template operator()<std::uint8_t>();
        case 16: return body.template operator()<std::uint16_t>();
        case 32: return body.template operator()<std::uint32_t>();
        case 64: return body.template operator()<std::uint64_t>();
        case 128: return body.template operator()<Bytes16>();
        default: context.reject_dtype(dtype);
    }
}

/// Runs `kernel` on float32 copies of float16 and bfloat16 inputs, and gives its float32 outputs the type of the first such input.
void run_widened(const KernelContext& context, KernelFunction kernel);
/// Runs a kernel that only moves elements: strings travel as indices, elements below 8 bits as bytes.
void run_moving(const KernelContext& context, KernelFunction kernel);

template <KernelFunction kernel> void widened(const KernelContext& context) { run_widened(context, kernel); }

template <KernelFunction kernel> void moving(const KernelContext& context) { run_moving(context, kernel); }

/// Element conversions between float32 and the 16-bit float types.
Tensor half_to_float(const Tensor& tensor);
Tensor float_to_half(const Tensor& tensor, DType half);
/// Elements of a 2- or 4-bit type one a byte (sign extended for signed types), and back.
Tensor unpack_small(const Tensor& tensor);
Tensor pack_small(const Tensor& bytes, DType dtype);

/// An int32 or int64 tensor as int64 values.
std::vector<std::int64_t> integers(const KernelContext& context, const Tensor& tensor);
/// The only element of an int32 or int64 tensor.
std::int64_t integer(const KernelContext& context, const Tensor& tensor);
/// Axis in [0, rank) or kShapeInvalid.
int checked_axis(const KernelContext& context, std::int64_t axis, int rank);

}  // namespace mcompress::reference
