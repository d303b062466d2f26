// Ranges → quantization parameters (reference: shared quantization notes 2.0; ONNX Runtime and TFLite use the same formulas).
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
/// Symmetric: s = absmax/127 (signed 8 bit), zp = 0; for an unsigned type zp = 128.
/// A zero, subnormal or non-finite scale becomes s = 1 with the zero point of 0 (the tensor is constant zero).
QuantParams choose_params(ValueRange range, DType dtype, Symmetry symmetry);

/// Symmetric per-channel weight parameters: scale[c] = absmax[c]/127, codes in [-127,127].
ChannelParams choose_channel_params(std::span<const float> absmax, DType dtype, int axis);

/// The smallest usable int32 bias scale for a channel: 1.0001 * 2*|bias| / (2^32 - 2) (ONNX Runtime's overflow guard).
float smallest_bias_scale(float bias_absmax);

}  // namespace mcompress
