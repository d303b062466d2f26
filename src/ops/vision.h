// Attributes of detection and image geometry.
#pragma once

#include "ops/attributes.h"

namespace mcompress {

struct NonMaxSuppressionAttrs {
    enum class Boxes { Corners, Centers };  // center_point_box 0: y1, x1, y2, x2 in any order; 1: x, y, width, height
    Boxes boxes = Boxes::Corners;
    static NonMaxSuppressionAttrs read(const Node& node);
};

struct RoiAlignAttrs {
    enum class Mode { Average, Max };
    enum class Coordinates { HalfPixel, OutputHalfPixel };  // OutputHalfPixel is all that opset 10 has
    Mode mode = Mode::Average;
    Coordinates coordinates = Coordinates::HalfPixel;
    std::int64_t output_height = 1;
    std::int64_t output_width = 1;
    std::int64_t sampling_ratio = 0;  // 0: as many samples as a bin has pixels
    float spatial_scale = 1.0F;
    static RoiAlignAttrs read(const Node& node);
};

/// Input [N, C, spatial …], grid [N, spatial' …, spatial rank]; the last number of a grid point speaks of the last axis first.
struct GridSampleAttrs {
    enum class Mode { Linear, Nearest, Cubic };
    enum class Padding { Zeros, Border, Reflection };
    enum class Corners { PixelEdges, PixelCentres };  // what -1 and 1 mean: align_corners 0 and 1
    Mode mode = Mode::Linear;
    Padding padding = Padding::Zeros;
    Corners corners = Corners::PixelEdges;
    static GridSampleAttrs read(const Node& node);
};

struct AffineGridAttrs {
    GridSampleAttrs::Corners corners = GridSampleAttrs::Corners::PixelEdges;
    static AffineGridAttrs read(const Node& node);
};

/// Empty lists stand for 1, 0 and 1 on every axis. `pads` holds all begins, then all ends.
struct Col2ImAttrs {
    std::vector<std::int64_t> dilations;
    std::vector<std::int64_t> pads;
    std::vector<std::int64_t> strides;
    static Col2ImAttrs read(const Node& node);
};

struct CenterCropPadAttrs {
    std::optional<std::vector<std::int64_t>> axes;  // absent: the first ones
    static CenterCropPadAttrs read(const Node& node);
};

struct ImageDecoderAttrs {
    enum class Pixels { Rgb, Bgr, Grayscale };
    Pixels pixels = Pixels::Rgb;
    static ImageDecoderAttrs read(const Node& node);
};

}  // namespace mcompress
