// Attributes of QuantizeLinear, DequantizeLinear and their kin.
#pragma once

#include "ir/type.h"
#include "ops/attributes.h"

namespace mcompress {

enum class QuantizationGranularity { PerTensor, PerAxis, Blocked };

/// QuantizeLinear and DequantizeLinear of all versions. Input 1 is the scale, input 2 (optional) the zero point.
struct QuantizeLinearAttrs {
    std::int64_t axis = 1;                  // used when the scale is not a scalar; may be negative
    std::int64_t block_size = 0;            // from 21; 0: not blocked
    bool saturate = true;                   // float8 only
    DType output_dtype = DType::Undefined;  // QuantizeLinear from 21, DequantizeLinear from 23; Undefined: follows from the inputs
    DType precision = DType::Undefined;     // of the division (QuantizeLinear from 23); Undefined: the type of the scale

    static QuantizeLinearAttrs read(const Node& node);
    /// By the rank of the scale: 0 (or a single element of rank 1 for a tensor) is PerTensor.
    QuantizationGranularity granularity(const Shape& scale) const;
};

/// The element type QuantizeLinear produces, from zero point, attribute and version; UInt8 when nothing says more.
DType quantized_dtype(const Node& node);

}  // namespace mcompress
