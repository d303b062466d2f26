#include "tensor/dtype.h"

#include <array>

namespace mcompress {

namespace {

enum class Family { None, Float, Signed, Unsigned };

struct DTypeRow {
    std::string_view name;
    int bits;
    Family family;
};

constexpr std::array<DTypeRow, 27> kRows{{
    {"undefined", 0, Family::None},       {"float", 32, Family::Float},
    {"uint8", 8, Family::Unsigned},       {"int8", 8, Family::Signed},
    {"uint16", 16, Family::Unsigned},     {"int16", 16, Family::Signed},
    {"int32", 32, Family::Signed},        {"int64", 64, Family::Signed},
    {"string", 0, Family::None},          {"bool", 8, Family::None},
    {"float16", 16, Family::Float},       {"double", 64, Family::Float},
    {"uint32", 32, Family::Unsigned},     {"uint64", 64, Family::Unsigned},
    {"complex64", 64, Family::None},      {"complex128", 128, Family::None},
    {"bfloat16", 16, Family::Float},      {"float8e4m3fn", 8, Family::Float},
    {"float8e4m3fnuz", 8, Family::Float}, {"float8e5m2", 8, Family::Float},
    {"float8e5m2fnuz", 8, Family::Float}, {"uint4", 4, Family::Unsigned},
    {"int4", 4, Family::Signed},          {"float4e2m1", 4, Family::Float},
    {"float8e8m0", 8, Family::Float},     {"uint2", 2, Family::Unsigned},
    {"int2", 2, Family::Signed},
}};

const DTypeRow& row(DType dtype) { return kRows.at(static_cast<std::size_t>(dtype)); }

}  // namespace

bool is_known_dtype(int number) { return number > 0 && number < static_cast<int>(kRows.size()); }
std::string_view dtype_name(DType dtype) { return row(dtype).name; }
int dtype_bits(DType dtype) { return row(dtype).bits; }
bool is_float(DType dtype) { return row(dtype).family == Family::Float; }
bool is_signed_integer(DType dtype) { return row(dtype).family == Family::Signed; }
bool is_unsigned_integer(DType dtype) { return row(dtype).family == Family::Unsigned; }

}  // namespace mcompress
