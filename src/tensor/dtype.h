// Element types. The numbers are those of ONNX TensorProto.DataType, so that no table is needed to convert.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mcompress {

enum class DType : std::uint8_t {
    Undefined = 0,
    Float32 = 1,
    UInt8 = 2,
    Int8 = 3,
    UInt16 = 4,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    String = 8,
    Bool = 9,
    Float16 = 10,
    Float64 = 11,
    UInt32 = 12,
    UInt64 = 13,
    Complex64 = 14,
    Complex128 = 15,
    BFloat16 = 16,
    Float8E4M3FN = 17,
    Float8E4M3FNUZ = 18,
    Float8E5M2 = 19,
    Float8E5M2FNUZ = 20,
    UInt4 = 21,
    Int4 = 22,
    Float4E2M1 = 23,
    Float8E8M0 = 24,
    UInt2 = 25,
    Int2 = 26,
};

/// True for the numbers above except Undefined.
bool is_known_dtype(int number);

/// Lower-case ONNX name, e.g. "float", "uint8", "bfloat16".
std::string_view dtype_name(DType dtype);

/// Bits of one element; 0 for String and Undefined. Types below 8 bits are packed, first element in the low bits.
int dtype_bits(DType dtype);

bool is_float(DType dtype);           // Float16, BFloat16, Float32, Float64 and the float8 and float4 types
bool is_signed_integer(DType dtype);  // Int2 … Int64
bool is_unsigned_integer(DType dtype);

/// The C++ type that stores elements of 8 bits and more ↔ its DType. float16 and bfloat16 are in tensor/float16.h.
template <typename T> struct DTypeOf;
template <> struct DTypeOf<float> { static constexpr DType value = DType::Float32; };
template <> struct DTypeOf<double> { static constexpr DType value = DType::Float64; };
template <> struct DTypeOf<std::uint8_t> { static constexpr DType value = DType::UInt8; };
template <> struct DTypeOf<std::int8_t> { static constexpr DType value = DType::Int8; };
template <> struct DTypeOf<std::uint16_t> { static constexpr DType value = DType::UInt16; };
template <> struct DTypeOf<std::int16_t> { static constexpr DType value = DType::Int16; };
template <> struct DTypeOf<std::uint32_t> { static constexpr DType value = DType::UInt32; };
template <> struct DTypeOf<std::int32_t> { static constexpr DType value = DType::Int32; };
template <> struct DTypeOf<std::uint64_t> { static constexpr DType value = DType::UInt64; };
template <> struct DTypeOf<std::int64_t> { static constexpr DType value = DType::Int64; };
template <> struct DTypeOf<bool> { static constexpr DType value = DType::Bool; };

template <typename T> inline constexpr DType dtype_of = DTypeOf<T>::value;

}  // namespace mcompress
