// QONNX's Quant: quantizes and dequantizes in one step, to any bit width.
#include <algorithm>
#include <cmath>

#include "engine/reference/broadcast.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/qonnx.h"

namespace mcompress::reference {

namespace {

struct Limits {
    float low, high;
};

/// The integers of a bit width, as the qonnx package defines them.
Limits limits(const KernelContext& context, const QonnxQuantAttrs& a) {
    const auto bits = scalar_of(context.required(3));
    if (!bits || !(*bits >= 2.0 && *bits <= 32.0)) context.reject("the bit width must be one number from 2 to 32");
    const double half = std::exp2(*bits - 1.0), narrow = a.is_narrow ? 1.0 : 0.0;
    if (a.is_signed) return {static_cast<float>(-half + narrow), static_cast<float>(half - 1.0)};
    return {0.0f, static_cast<float>(2.0 * half - 1.0 - narrow)};
}

float rounded(QonnxQuantAttrs::Rounding rounding, float x) {
    switch (rounding) {
        case QonnxQuantAttrs::Rounding::Ceil: return std::ceil(x);
        case QonnxQuantAttrs::Rounding::Floor: return std::floor(x);
        case QonnxQuantAttrs::Rounding::HalfToEven: break;
    }
    return std::nearbyintf(x);
}

/// y = (round(clip(x / scale + zero)) - zero) · scale; scale and zero point are broadcast to x.
void quant(const KernelContext& context) {
    const auto a = attrs<QonnxQuantAttrs>(context.node);
    const Tensor &x = context.required(0), &scale = context.required(1), &zero = context.required(2);
    for (const Tensor* tensor : {&x, &scale, &zero})
        if (tensor->dtype() != DType::Float32) context.reject_dtype(tensor->dtype());
    const Shape& shape = x.shape();
    if (broadcast_shape(context, shape, scale.shape()) != shape || broadcast_shape(context, shape, zero.shape()) != shape)
        context.reject("scale and zero point must broadcast to the input");
    const Limits range = limits(context, a);
    float* to = context.make_output(0, DType::Float32, shape).mutable_data<float>();
    const StridedLoop<3> loop(shape, {shape.strides(), broadcast_strides(scale.shape(), shape), broadcast_strides(zero.shape(), shape)});
    const auto steps = loop.inner_steps();
    loop.run([&](const auto& offset) {
        for (std::int64_t i = 0; i < loop.inner_size(); ++i) {
            const float s = scale.data<float>()[offset[1] + i * steps[1]], z = zero.data<float>()[offset[2] + i * steps[2]];
            const float q = std::clamp(x.data<float>()[offset[0] + i * steps[0]] / s + z, range.low, range.high);
            *to++ = (rounded(a.rounding, q) - z) * s;
        }
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"onnx.brevitas", "Quant", widened<quant>},
    {"qonnx.custom_op.general", "Quant", widened<quant>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> qonnx_kernels() { return kRows; }

}  // namespace mcompress::reference
