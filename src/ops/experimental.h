// Attributes of the experimental operators of ONNX 1.0 to 1.2 (removed in opset 10) that old models still carry.
#pragma once

#include "ops/attributes.h"

namespace mcompress {

/// alpha x + beta.
struct AffineAttrs {
    float alpha = 1.0F;
    float beta = 0.0F;
    static AffineAttrs read(const Node& node);
};

/// scale x + bias[channel] for [N, C, H, W].
struct ImageScalerAttrs {
    float scale = 1.0F;
    std::vector<float> bias;
    static ImageScalerAttrs read(const Node& node);
};

/// The part of [N, C, H, W] inside a border, or of a given size from the border's left top corner.
struct CropAttrs {
    std::int64_t left = 0, top = 0, right = 0, bottom = 0;
    std::optional<std::int64_t> height, width;  // attribute `scale`
    static CropAttrs read(const Node& node);
};

}  // namespace mcompress
