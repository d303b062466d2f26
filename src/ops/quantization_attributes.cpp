#include "ops/quantization.h"

namespace mcompress {

namespace {

/// An element type by number; 0, the default, is Undefined.
DType dtype_attribute(const Node& node, std::string_view name) {
    const std::int64_t number = int_attribute(node, name, 0);
    if (number != 0 && (number < 0 || number > 255 || !is_known_dtype(static_cast<int>(number))))
        reject_attribute(node, name, format("is {}, which is no element type", number));
    return static_cast<DType>(number);
}

}  // namespace

QuantizeLinearAttrs QuantizeLinearAttrs::read(const Node& node) {
    QuantizeLinearAttrs attrs;
    attrs.axis = int_attribute(node, "axis", 1);
    attrs.block_size = int_attribute(node, "block_size", 0);
    if (attrs.block_size < 0) reject_attribute(node, "block_size", format("is {}", attrs.block_size));
    attrs.saturate = flag_attribute(node, "saturate", 1);
    attrs.output_dtype = dtype_attribute(node, "output_dtype");
    attrs.precision = dtype_attribute(node, "precision");
    return attrs;
}

QuantizationGranularity QuantizeLinearAttrs::granularity(const Shape& scale) const {
    if (scale.rank() == 0) return QuantizationGranularity::PerTensor;
    if (block_size > 0) return QuantizationGranularity::Blocked;
    // A list of one value is how many exporters write a scalar; per axis it means the same.
    return scale.rank() == 1 && scale[0] == 1 ? QuantizationGranularity::PerTensor : QuantizationGranularity::PerAxis;
}

DType quantized_dtype(const Node& node) {
    if (const Value* zero_point = node.input(2); zero_point && zero_point->type().dtype != DType::Undefined)
        return zero_point->type().dtype;
    const DType given = QuantizeLinearAttrs::read(node).output_dtype;
    return given == DType::Undefined ? DType::UInt8 : given;
}

}  // namespace mcompress
