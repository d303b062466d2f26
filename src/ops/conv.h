// Attributes of the convolution family: Conv, ConvTranspose, ConvInteger, QLinearConv, DeformConv.
#pragma once

#include "ops/window.h"

namespace mcompress {

/// Conv, ConvInteger, QLinearConv.
struct ConvAttrs {
    WindowAttrs window;
    std::int64_t group = 1;

    static ConvAttrs read(const Node& node);
    /// Pads, strides and output extents for known shapes: input [N, C, spatial …], weights [M, C / group, kernel …].
    /// Throws kShapeInvalid when they do not fit (channels, groups and ranks are checked too).
    Window geometry(const Shape& input, const Shape& weights) const;
};

struct ConvTransposeAttrs {
    TransposedWindowAttrs window;
    std::int64_t group = 1;

    static ConvTransposeAttrs read(const Node& node);
    /// As above with weights [C, M / group, kernel …].
    Window geometry(const Shape& input, const Shape& weights) const;
};

struct DeformConvAttrs {
    WindowAttrs window;
    std::int64_t group = 1;
    std::int64_t offset_group = 1;

    static DeformConvAttrs read(const Node& node);
};

}  // namespace mcompress
