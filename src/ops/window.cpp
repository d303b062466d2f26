#include "ops/window.h"

#include "ops/attributes.h"

namespace mcompress {

namespace {

// Any honest window is far smaller; the bound keeps the arithmetic below free of overflow.
constexpr std::int64_t kLargestSetting = std::int64_t{1} << 31;
constexpr std::int64_t kLargestExtent = std::int64_t{1} << 62;

using Wide = __int128;

void check_range(const Node& node, std::string_view name, const std::vector<std::int64_t>& values, std::int64_t least) {
    for (const std::int64_t value : values)
        if (value < least || value > kLargestSetting)
            reject_attribute(node, name, format("holds {}, expected values from {} to {}", value, least, kLargestSetting));
}

Wide floor_divide(Wide numerator, Wide denominator) {
    const Wide quotient = numerator / denominator;
    return numerator % denominator < 0 ? quotient - 1 : quotient;
}

std::int64_t at_or(const std::vector<std::int64_t>& values, int axis, std::int64_t fallback) {
    return static_cast<std::size_t>(axis) < values.size() ? values[static_cast<std::size_t>(axis)] : fallback;
}

void set_explicit_pads(const WindowAttrs& attrs, int axis, WindowAxis& result) {
    if (attrs.auto_pad != AutoPad::NotSet || attrs.pads.empty()) return;
    const int rank = static_cast<int>(attrs.pads.size() / 2);
    result.pad_begin = at_or(attrs.pads, axis, 0);
    result.pad_end = at_or(attrs.pads, axis + rank, 0);
}

WindowAxis axis_settings(const WindowAttrs& attrs, int axis, std::int64_t kernel) {
    if (kernel < 1 || kernel > kLargestSetting) fail(codes::kShapeInvalid, "a kernel extent is {}, expected at least 1", kernel);
    WindowAxis result;
    result.kernel = kernel;
    result.stride = at_or(attrs.strides, axis, 1);
    result.dilation = at_or(attrs.dilations, axis, 1);
    return result;
}

void check_extent(std::int64_t extent) {
    if (extent < 0 || extent > kLargestExtent) fail(codes::kShapeInvalid, "a spatial extent is {}", extent);
}

void check_rank(const WindowAttrs& attrs, std::size_t rank, std::size_t kernel_rank) {
    if (kernel_rank != rank) fail(codes::kShapeInvalid, "the kernel has {} spatial axes, the input {}", kernel_rank, rank);
    if (const auto given = attrs.spatial_rank(); given && static_cast<std::size_t>(*given) != rank)
        fail(codes::kShapeInvalid, "the attributes are for {} spatial axes, the input has {}", *given, rank);
}

WindowAxis resolve_transposed_axis(const TransposedWindowAttrs& attrs, int axis, std::int64_t input, std::int64_t kernel) {
    check_extent(input);
    WindowAxis result = axis_settings(attrs.window, axis, kernel);
    set_explicit_pads(attrs.window, axis, result);
    const AutoPad mode = attrs.window.auto_pad;
    const Wide full =
        Wide{result.stride} * (Wide{input} - 1) + at_or(attrs.output_padding, axis, 0) + Wide{result.dilation} * (kernel - 1) + 1;
    const bool is_same = mode == AutoPad::SameUpper || mode == AutoPad::SameLower;
    Wide output = full - result.pad_begin - result.pad_end;
    if (!attrs.output_shape.empty() || is_same) {
        output = is_same ? Wide{input} * result.stride : Wide{0};
        if (!attrs.output_shape.empty()) output = at_or(attrs.output_shape, axis, 0);
        const Wide total = full > output ? full - output : Wide{0};
        if (total > kLargestExtent) fail(codes::kShapeInvalid, "the padding that output_shape asks for is too large");
        const auto half = static_cast<std::int64_t>(total / 2);
        const auto rest = static_cast<std::int64_t>(total) - half;
        result.pad_begin = mode == AutoPad::SameUpper ? half : rest;
        result.pad_end = mode == AutoPad::SameUpper ? rest : half;
    }
    if (output < 0 || output > kLargestExtent) fail(codes::kShapeInvalid, "the pads leave nothing of a spatial axis of extent {}", input);
    result.output = static_cast<std::int64_t>(output);
    return result;
}

}  // namespace

WindowAttrs WindowAttrs::read(const Node& node) {
    static constexpr std::string_view kAutoPads[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"};
    WindowAttrs attrs;
    if (!has_attribute(node, "auto_pad") || !string_attribute(node, "auto_pad", {}).empty())
        attrs.auto_pad = enum_attribute(node, "auto_pad", AutoPad::NotSet, kAutoPads);
    attrs.kernel_shape = ints_attribute(node, "kernel_shape");
    attrs.strides = ints_attribute(node, "strides");
    attrs.dilations = ints_attribute(node, "dilations");
    attrs.pads = ints_attribute(node, "pads");
    attrs.rounding = flag_attribute(node, "ceil_mode", 0) ? WindowRounding::Ceil : WindowRounding::Floor;
    check_range(node, "kernel_shape", attrs.kernel_shape, 1);
    check_range(node, "strides", attrs.strides, 1);
    check_range(node, "dilations", attrs.dilations, 1);
    check_range(node, "pads", attrs.pads, 0);
    if (attrs.pads.size() % 2 != 0) reject_attribute(node, "pads", "has an odd number of values");
    const auto rank = attrs.spatial_rank();
    const auto check_length = [&](std::string_view name, std::size_t length) {
        if (length == 0 && has_attribute(node, name)) reject_attribute(node, name, "is an empty list");
        if (rank && length != 0 && length != static_cast<std::size_t>(*rank))
            reject_attribute(node, name, format("is for {} spatial axes, other attributes for {}", length, *rank));
    };
    check_length("kernel_shape", attrs.kernel_shape.size());
    check_length("strides", attrs.strides.size());
    check_length("dilations", attrs.dilations.size());
    check_length("pads", attrs.pads.size() / 2);
    return attrs;
}

std::optional<int> WindowAttrs::spatial_rank() const {
    for (const std::size_t length : {kernel_shape.size(), strides.size(), dilations.size(), pads.size() / 2})
        if (length > 0) return static_cast<int>(length);
    return std::nullopt;
}

WindowAxis resolve_window_axis(const WindowAttrs& attrs, int axis, std::int64_t input, std::int64_t kernel) {
    check_extent(input);
    WindowAxis result = axis_settings(attrs, axis, kernel);
    set_explicit_pads(attrs, axis, result);
    const Wide span = Wide{result.dilation} * (kernel - 1) + 1;
    if (attrs.auto_pad == AutoPad::SameUpper || attrs.auto_pad == AutoPad::SameLower) {
        result.output = input / result.stride + (input % result.stride != 0 ? 1 : 0);
        const Wide needed = (Wide{result.output} - 1) * result.stride + span - input;
        const Wide total = needed > 0 ? needed : Wide{0};
        if (total > kLargestExtent) fail(codes::kShapeInvalid, "the padding of a spatial axis of extent {} is too large", input);
        const auto half = static_cast<std::int64_t>(total / 2);
        const auto rest = static_cast<std::int64_t>(total) - half;
        result.pad_begin = attrs.auto_pad == AutoPad::SameUpper ? half : rest;
        result.pad_end = attrs.auto_pad == AutoPad::SameUpper ? rest : half;
        return result;
    }
    const Wide room = Wide{input} + result.pad_begin + result.pad_end - span;
    if (room < 0 && input > 0)
        fail(codes::kShapeInvalid, "a window of {} elements does not fit a padded extent of {}", static_cast<std::int64_t>(span),
             static_cast<std::int64_t>(room + span));
    Wide output = floor_divide(room, result.stride) + 1;
    if (attrs.rounding == WindowRounding::Ceil) {
        output = floor_divide(room + result.stride - 1, result.stride) + 1;
        if ((output - 1) * result.stride >= Wide{input} + result.pad_begin) --output;
    }
    if (output > kLargestExtent) fail(codes::kShapeInvalid, "an output extent overflows");
    result.output = output < 0 ? 0 : static_cast<std::int64_t>(output);
    return result;
}

Window resolve_window(const WindowAttrs& attrs, const std::vector<std::int64_t>& spatial_input, const std::vector<std::int64_t>& kernel) {
    check_rank(attrs, spatial_input.size(), kernel.size());
    Window window;
    for (std::size_t axis = 0; axis < spatial_input.size(); ++axis)
        window.push_back(resolve_window_axis(attrs, static_cast<int>(axis), spatial_input[axis], kernel[axis]));
    return window;
}

std::optional<std::vector<std::int64_t>> fixed_pads(const WindowAttrs& attrs, int spatial_rank) {
    if (attrs.auto_pad == AutoPad::SameUpper || attrs.auto_pad == AutoPad::SameLower) return std::nullopt;
    if (attrs.auto_pad == AutoPad::NotSet && !attrs.pads.empty()) return attrs.pads;
    return std::vector<std::int64_t>(static_cast<std::size_t>(2 * spatial_rank), 0);
}

Window resolve_transposed_window(const TransposedWindowAttrs& attrs, const std::vector<std::int64_t>& spatial_input,
                                 const std::vector<std::int64_t>& kernel) {
    check_rank(attrs.window, spatial_input.size(), kernel.size());
    for (const std::size_t length : {attrs.output_padding.size(), attrs.output_shape.size()})
        if (length != 0 && length != spatial_input.size())
            fail(codes::kShapeInvalid, "output_padding or output_shape is for {} spatial axes, the input has {}", length,
                 spatial_input.size());
    Window window;
    for (std::size_t axis = 0; axis < spatial_input.size(); ++axis)
        window.push_back(resolve_transposed_axis(attrs, static_cast<int>(axis), spatial_input[axis], kernel[axis]));
    return window;
}

}  // namespace mcompress
