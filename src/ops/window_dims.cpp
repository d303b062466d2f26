#include "ops/window_dims.h"

namespace mcompress {

namespace {

// The settings of one axis alone, so that the functions of window.h can be asked about it.
WindowAttrs only_axis(const WindowAttrs& attrs, int axis) {
    const auto pick = [&](const std::vector<std::int64_t>& values) {
        return values.empty() ? values : std::vector<std::int64_t>{values.at(static_cast<std::size_t>(axis))};
    };
    WindowAttrs single{attrs.auto_pad, pick(attrs.kernel_shape), pick(attrs.strides), pick(attrs.dilations), {}, attrs.rounding};
    const std::size_t rank = attrs.pads.size() / 2;
    if (rank > 0) single.pads = {attrs.pads.at(static_cast<std::size_t>(axis)), attrs.pads.at(static_cast<std::size_t>(axis) + rank)};
    return single;
}

}  // namespace

Dim window_dim(const WindowAttrs& attrs, int axis, const Dim& input, const Dim& kernel) {
    const WindowAttrs single = only_axis(attrs, axis);
    const bool is_same = attrs.auto_pad == AutoPad::SameUpper || attrs.auto_pad == AutoPad::SameLower;
    const std::int64_t stride = single.strides.empty() ? 1 : single.strides[0];
    if (is_same && stride == 1) return input;
    if (!kernel.is_known() && !is_same) return {};
    // Under SAME padding the output does not depend on the kernel.
    const std::int64_t extent = kernel.is_known() ? kernel.extent() : 1;
    if (input.is_known()) return resolve_window_axis(single, 0, input.extent(), extent).output;
    if (is_same || stride != 1) return {};
    // Any extent above the kernel's span shows whether the window keeps extents.
    constexpr std::int64_t kProbe = std::int64_t{1} << 61;
    return resolve_window_axis(single, 0, kProbe, extent).output == kProbe ? input : Dim();
}

Dim transposed_window_dim(const TransposedWindowAttrs& attrs, int axis, const Dim& input, const Dim& kernel) {
    if (!attrs.output_shape.empty()) return attrs.output_shape.at(static_cast<std::size_t>(axis));
    const WindowAttrs single = only_axis(attrs.window, axis);
    const bool is_same = single.auto_pad == AutoPad::SameUpper || single.auto_pad == AutoPad::SameLower;
    if (!input.is_known() || (!kernel.is_known() && !is_same)) return {};
    TransposedWindowAttrs transposed{single, {}, {}};
    if (!attrs.output_padding.empty()) transposed.output_padding = {attrs.output_padding.at(static_cast<std::size_t>(axis))};
    return resolve_transposed_window(transposed, {input.extent()}, {kernel.is_known() ? kernel.extent() : 1})[0].output;
}

}  // namespace mcompress
