#include "quant/params.h"

#include <limits>

#include "support/error.h"

namespace mcompress {
namespace {

struct RangeRow {
    DType dtype;
    QuantRange range;
};

constexpr RangeRow kRanges[] = {
    {DType::UInt2, {0, 3}},
    {DType::Int2, {-2, 1}},
    {DType::UInt4, {0, 15}},
    {DType::Int4, {-8, 7}},
    {DType::UInt8, {0, 255}},
    {DType::Int8, {-128, 127}},
    {DType::UInt16, {0, 65535}},
    {DType::Int16, {-32768, 32767}},
    {DType::Int32, {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()}},
};

}  // namespace

QuantRange integer_range(DType dtype) {
    for (const RangeRow& row : kRanges)
        if (row.dtype == dtype) return row.range;
    fail(codes::kInternal, "{} is not a type that values are quantized to", dtype_name(dtype));
}

}  // namespace mcompress
