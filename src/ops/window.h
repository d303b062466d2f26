// Sliding windows: the arithmetic that convolutions and pools share, in inference and in kernels alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ir/node.h"
#include "tensor/shape.h"

namespace mcompress {

enum class AutoPad { NotSet, SameUpper, SameLower, Valid };
enum class WindowRounding { Floor, Ceil };

/// The attributes as given; an empty list means "default for the spatial rank". `pads` holds all begins, then all ends.
struct WindowAttrs {
    AutoPad auto_pad = AutoPad::NotSet;
    std::vector<std::int64_t> kernel_shape;
    std::vector<std::int64_t> strides;
    std::vector<std::int64_t> dilations;
    std::vector<std::int64_t> pads;
    WindowRounding rounding = WindowRounding::Floor;

    /// Reads and checks: strides, dilations and kernel at least 1, pads not negative, list lengths consistent.
    static WindowAttrs read(const Node& node);
    /// Number of spatial axes when an attribute tells it.
    std::optional<int> spatial_rank() const;
};

/// One spatial axis with every default filled in and automatic padding resolved.
struct WindowAxis {
    std::int64_t kernel = 1;
    std::int64_t stride = 1;
    std::int64_t dilation = 1;
    std::int64_t pad_begin = 0;
    std::int64_t pad_end = 0;
    std::int64_t output = 0;

    bool operator==(const WindowAxis&) const = default;
};

/// A convolution's or pool's geometry, axis by axis: kernel, pads and output size. Spatial axes only.
using Window = std::vector<WindowAxis>;

/// Resolves the window for known spatial extents. `kernel` gives the kernel's extents (of the weights, or kernel_shape).
/// Output size: floor or ceil((input + pads - (dilation (kernel - 1) + 1)) / stride) + 1; SAME: ceil(input / stride), the odd pad at the end
/// (SAME_UPPER) or the beginning; with Ceil a last window that would start in the end padding is dropped (ONNX Operators.md, Conv, MaxPool).
/// Throws kShapeInvalid when ranks do not fit, an output would be negative, or a size overflows.
Window resolve_window(const WindowAttrs& attrs, const std::vector<std::int64_t>& spatial_input, const std::vector<std::int64_t>& kernel);

/// As above for one axis: what is left of `axis` after padding is resolved for a known extent.
WindowAxis resolve_window_axis(const WindowAttrs& attrs, int axis, std::int64_t input, std::int64_t kernel);

/// The explicit pads when they do not depend on the input size (auto_pad NOTSET or VALID); begins, then ends. Nothing for SAME.
std::optional<std::vector<std::int64_t>> fixed_pads(const WindowAttrs& attrs, int spatial_rank);

/// The geometry of a transposed convolution. output = stride (input - 1) + output_padding + dilation (kernel - 1) + 1 - pads.
struct TransposedWindowAttrs {
    WindowAttrs window;
    std::vector<std::int64_t> output_padding;
    std::vector<std::int64_t> output_shape;  // spatial; when given, pads follow from it
};
Window resolve_transposed_window(const TransposedWindowAttrs& attrs, const std::vector<std::int64_t>& spatial_input,
                                 const std::vector<std::int64_t>& kernel);

}  // namespace mcompress
