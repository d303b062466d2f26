// Ranges → quantization parameters. ONNX Runtime and TFLite use the same formulas; docs/quantization.md states them.
#pragma once

#include <span>

#include "quant/params.h"

namespace mcompress {

/// A closed interval of real values.
struct ValueRange {
    float min = 0.0f;
    float max = 0.0f;
    bool operator==(const ValueRange&) const = default;
};

enum class Symmetry { Asymmetric, Symmetric };

/// Asymmetric: the range is widened to hold 0, s = (max-min)/(qmax-qmin), zp = clip(rne(qmin - min/s)).
/// Symmetric: s = absmax/127 for 8 bits (qmax of the signed type in general), zp = 0; for an unsigned type zp = 128.
/// A zero, subnormal or non-finite scale becomes s = 1 with the zero point that an empty range [0, 0] gives (0, or 128 for an unsigned
/// symmetric type): see is_degenerate(). Throws kInternal when min or max is NaN or min > max.
QuantParams choose_params(ValueRange range, DType dtype, Symmetry symmetry);

/// DynamicQuantizeLinear's definition, in float: u8 over the range widened to hold 0, s = (max-min)/255, zp = rne(clip(-min/s)). The scale of
/// [0, 0] is 0, and that of an infinite range infinite; the zero point is 0 then.
QuantParams choose_dynamic_params(ValueRange range);

/// Whether choose_params has to fall back to s = 1: the tensor is constant zero as far as a float scale can tell.
bool is_degenerate(ValueRange range, DType dtype, Symmetry symmetry);

/// The real values that the lowest and the highest code stand for.
ValueRange representable_range(const QuantParams& params);

/// The smallest range that holds both.
ValueRange union_of(ValueRange a, ValueRange b);

/// The codes symmetric weights use: [-127,127] for Int8, so that negation stays in range.
QuantRange symmetric_weight_range(DType dtype);

/// Symmetric per-channel weight parameters: scale[c] = absmax[c]/127, codes in [-127,127]. A channel whose scale would be zero or
/// subnormal takes the largest scale of the tensor (1/127 when there is none), so that its bias keeps the resolution of the others.
ChannelParams choose_channel_params(std::span<const float> absmax, DType dtype, int axis);

/// The smallest usable int32 bias scale for a channel: 1.0001 * |bias| / 2^30, rounded up to a normal float, which is also what a bias of 0 asks for.
/// ONNX Runtime's guard lets the bias alone fill int32; engines add products to it in 32 bits, and half of the range is theirs.
float smallest_bias_scale(float bias_absmax);

}  // namespace mcompress
