#include "ops/vision.h"

namespace mcompress {

namespace {

// Beyond these a region would be sampled more finely than any image, at a cost that grows with the square.
constexpr std::int64_t kLargestSamplingRatio = 256;
constexpr std::int64_t kMostBins = std::int64_t{1} << 14;
// Keeps the arithmetic on positions free of overflow.
constexpr std::int64_t kLargestSetting = std::int64_t{1} << 31;

std::int64_t read_within(const Node& node, std::string_view name, std::int64_t fallback, std::int64_t least, std::int64_t most) {
    const std::int64_t value = int_attribute(node, name, fallback);
    if (value < least || value > most) reject_attribute(node, name, format("is {}, expected {} to {}", value, least, most));
    return value;
}

GridSampleAttrs::Corners read_corners(const Node& node) {
    return flag_attribute(node, "align_corners", 0) ? GridSampleAttrs::Corners::PixelCentres : GridSampleAttrs::Corners::PixelEdges;
}

std::vector<std::int64_t> read_settings(const Node& node, std::string_view name, std::int64_t least) {
    std::vector<std::int64_t> values = ints_attribute(node, name);
    for (const std::int64_t value : values)
        if (value < least || value > kLargestSetting) reject_attribute(node, name, format("holds {}", value));
    return values;
}

}  // namespace

NonMaxSuppressionAttrs NonMaxSuppressionAttrs::read(const Node& node) {
    return {flag_attribute(node, "center_point_box", 0) ? Boxes::Centers : Boxes::Corners};
}

RoiAlignAttrs RoiAlignAttrs::read(const Node& node) {
    static constexpr std::string_view kModes[] = {"avg", "max"};
    static constexpr std::string_view kCoordinates[] = {"half_pixel", "output_half_pixel"};
    RoiAlignAttrs attrs;
    attrs.mode = enum_attribute(node, "mode", Mode::Average, kModes);
    attrs.coordinates = enum_attribute(node, "coordinate_transformation_mode",
                                       node.opset_version() < 16 ? Coordinates::OutputHalfPixel : Coordinates::HalfPixel, kCoordinates);
    attrs.output_height = read_within(node, "output_height", 1, 1, kMostBins);
    attrs.output_width = read_within(node, "output_width", 1, 1, kMostBins);
    attrs.sampling_ratio = read_within(node, "sampling_ratio", 0, 0, kLargestSamplingRatio);
    attrs.spatial_scale = float_attribute(node, "spatial_scale", 1.0F);
    return attrs;
}

GridSampleAttrs GridSampleAttrs::read(const Node& node) {
    // The names changed with opset 20, the meaning did not.
    static constexpr std::string_view kModes[] = {"linear", "nearest", "cubic"};
    static constexpr std::string_view kOldModes[] = {"bilinear", "nearest", "bicubic"};
    static constexpr std::string_view kPaddings[] = {"zeros", "border", "reflection"};
    GridSampleAttrs attrs;
    attrs.mode = node.opset_version() < 20 ? enum_attribute(node, "mode", Mode::Linear, kOldModes)
                                           : enum_attribute(node, "mode", Mode::Linear, kModes);
    attrs.padding = enum_attribute(node, "padding_mode", Padding::Zeros, kPaddings);
    attrs.corners = read_corners(node);
    return attrs;
}

AffineGridAttrs AffineGridAttrs::read(const Node& node) { return {read_corners(node)}; }

Col2ImAttrs Col2ImAttrs::read(const Node& node) {
    Col2ImAttrs attrs{read_settings(node, "dilations", 1), read_settings(node, "pads", 0), read_settings(node, "strides", 1)};
    if (attrs.pads.size() % 2 != 0) reject_attribute(node, "pads", "has an odd number of values");
    return attrs;
}

CenterCropPadAttrs CenterCropPadAttrs::read(const Node& node) {
    CenterCropPadAttrs attrs;
    if (has_attribute(node, "axes")) attrs.axes = ints_attribute(node, "axes");
    return attrs;
}

ImageDecoderAttrs ImageDecoderAttrs::read(const Node& node) {
    static constexpr std::string_view kPixels[] = {"RGB", "BGR", "Grayscale"};
    return {enum_attribute(node, "pixel_format", Pixels::Rgb, kPixels)};
}

}  // namespace mcompress
