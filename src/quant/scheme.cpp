#include "quant/scheme.h"

#include "support/error.h"

namespace mcompress {

void check_scheme(const QuantizationScheme& scheme) {
    find_range_method(scheme.range_method);
    if (scheme.activation_dtype != DType::UInt8 && scheme.activation_dtype != DType::Int8)
        throw Error(codes::kUsage, format("activations cannot be quantized to {}", dtype_name(scheme.activation_dtype)),
                    "use uint8 (fast in ONNX Runtime on x86) or int8");
    if (scheme.weight_dtype != DType::Int8)
        throw Error(codes::kUsage, format("weights cannot be quantized to {}", dtype_name(scheme.weight_dtype)), "use int8");
    check_weight_only(scheme.weight_only);
}

}  // namespace mcompress
