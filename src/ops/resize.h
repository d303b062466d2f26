// Attributes of Resize and Upsample, in one form for all versions.
#pragma once

#include "ops/attributes.h"

namespace mcompress {

struct ResizeAttrs {
    enum class Mode { Nearest, Linear, Cubic };
    enum class Coordinates { HalfPixel, HalfPixelSymmetric, PytorchHalfPixel, AlignCorners, Asymmetric, TfCropAndResize, TfHalfPixelForNn };
    /// Unnamed: Upsample and Resize 10 do not say; as ONNX Runtime does, down where an axis grows and up where it shrinks.
    enum class Nearest { RoundPreferFloor, RoundPreferCeil, Floor, Ceil, Unnamed };
    enum class AspectRatio { Stretch, NotLarger, NotSmaller };

    Mode mode = Mode::Nearest;
    Coordinates coordinates = Coordinates::HalfPixel;  // Upsample and Resize 10: Asymmetric
    Nearest nearest = Nearest::RoundPreferFloor;       // Upsample and Resize 10: Unnamed
    AspectRatio aspect_ratio = AspectRatio::Stretch;   // keep_aspect_ratio_policy
    float cubic_coeff_a = -0.75F;
    float extrapolation_value = 0.0F;
    bool exclude_outside = false;
    bool antialias = false;
    std::optional<std::vector<std::int64_t>> axes;  // attribute from 18; absent: all

    int roi_input = -1;     // which input holds it; -1: none
    int scales_input = -1;  // -1: absent, empty or an attribute
    int sizes_input = -1;
    std::optional<std::vector<float>> scales;        // when an attribute or known before execution
    std::optional<std::vector<std::int64_t>> sizes;  // when known before execution

    static ResizeAttrs read(const Node& node);

    /// Scale and output extent of one axis.
    struct Axis {
        float scale = 1.0F;
        std::int64_t output = 0;
    };
    /// For every axis of the input, from scales or sizes as given (one of them empty). output = floor(input scale); with sizes the scale is
    /// output / input, adjusted by the aspect ratio policy. Throws kShapeInvalid when lists do not fit or a scale is not positive.
    std::vector<Axis> resolve(const Shape& input, const std::vector<float>& given_scales,
                              const std::vector<std::int64_t>& given_sizes) const;
};

}  // namespace mcompress
