// Attributes of QONNX's Quant (domains onnx.brevitas and qonnx.custom_op.general). Inputs: x, scale, zero point, bit width.
#pragma once

#include "ops/attributes.h"

namespace mcompress {

struct QonnxQuantAttrs {
    enum class Rounding { HalfToEven, Ceil, Floor };  // "ROUND", "CEIL", "FLOOR"
    bool is_signed = true;
    bool is_narrow = false;  // leaves out one value at the end: -127…127, 0…254
    Rounding rounding = Rounding::HalfToEven;
    static QonnxQuantAttrs read(const Node& node);
};

}  // namespace mcompress
