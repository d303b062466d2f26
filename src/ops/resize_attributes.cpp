#include <algorithm>
#include <cmath>

#include "ops/resize.h"
#include "ops/shape.h"

namespace mcompress {

namespace {

std::optional<std::vector<float>> known_floats(const Value* value) {
    const Tensor* tensor = known_tensor(value);
    if (!tensor || tensor->dtype() != DType::Float32) return std::nullopt;
    const auto values = tensor->values<float>();
    return std::vector<float>(values.begin(), values.end());
}

// Only the modern Resize can take one of two lists; an empty constant stands for the one that is not used.
void read_lists(const Node& node, ResizeAttrs& attrs) {
    if (node.input(2)) {
        attrs.scales = known_floats(node.input(2));
        attrs.scales_input = 2;
        if (attrs.scales && attrs.scales->empty()) {
            attrs.scales.reset();
            attrs.scales_input = -1;
        }
    }
    if (!node.input(3)) return;
    const IntegersSource sizes = IntegersSource::from_input(node, 3);
    if (sizes.values && sizes.values->empty()) return;
    attrs.sizes_input = 3;
    attrs.sizes = sizes.values;
}

ResizeAttrs read_legacy(const Node& node, ResizeAttrs attrs) {
    attrs.coordinates = ResizeAttrs::Coordinates::Asymmetric;
    attrs.nearest = ResizeAttrs::Nearest::Unnamed;
    if (node.is("Upsample") && node.opset_version() < 7) {
        attrs.scales =
            std::vector<float>{1.0F, 1.0F, float_attribute(node, "height_scale", 1.0F), float_attribute(node, "width_scale", 1.0F)};
    } else if (node.is("Upsample") && node.opset_version() < 9) {
        attrs.scales = floats_attribute(node, "scales");
        if (attrs.scales->empty()) reject_attribute(node, "scales", "is missing or empty");
    } else {
        attrs.scales_input = 1;
        attrs.scales = known_floats(node.input(1));
    }
    return attrs;
}

ResizeAttrs::Mode read_mode(const Node& node) {
    static constexpr std::string_view kModes[] = {"nearest", "linear", "cubic"};
    // Upsample of opset 1 and some exporters of opset 7 say bilinear.
    if (has_attribute(node, "mode") && node.is("Upsample") && string_attribute(node, "mode", {}) == "bilinear")
        return ResizeAttrs::Mode::Linear;
    return enum_attribute(node, "mode", ResizeAttrs::Mode::Nearest, kModes);
}

std::int64_t extent_of(double value) {
    if (!(value >= 0.0) || value > 4e18) fail(codes::kShapeInvalid, "an output extent would be {}", value);
    return static_cast<std::int64_t>(value);
}

}  // namespace

ResizeAttrs ResizeAttrs::read(const Node& node) {
    static constexpr std::string_view kCoordinates[] = {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel",  "align_corners",
                                                        "asymmetric", "tf_crop_and_resize",   "tf_half_pixel_for_nn"};
    static constexpr std::string_view kNearest[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
    static constexpr std::string_view kAspect[] = {"stretch", "not_larger", "not_smaller"};
    ResizeAttrs attrs;
    attrs.mode = read_mode(node);
    if (node.is("Upsample") || node.opset_version() < 11) return read_legacy(node, std::move(attrs));
    attrs.coordinates = enum_attribute(node, "coordinate_transformation_mode", Coordinates::HalfPixel, kCoordinates);
    attrs.nearest = enum_attribute(node, "nearest_mode", Nearest::RoundPreferFloor, kNearest);
    attrs.aspect_ratio = enum_attribute(node, "keep_aspect_ratio_policy", AspectRatio::Stretch, kAspect);
    attrs.cubic_coeff_a = float_attribute(node, "cubic_coeff_a", -0.75F);
    attrs.extrapolation_value = float_attribute(node, "extrapolation_value", 0.0F);
    attrs.exclude_outside = flag_attribute(node, "exclude_outside", 0);
    attrs.antialias = flag_attribute(node, "antialias", 0);
    if (has_attribute(node, "axes")) attrs.axes = ints_attribute(node, "axes");
    if (node.input(1)) attrs.roi_input = 1;
    read_lists(node, attrs);
    return attrs;
}

std::vector<ResizeAttrs::Axis> ResizeAttrs::resolve(const Shape& input, const std::vector<float>& given_scales,
                                                    const std::vector<std::int64_t>& given_sizes) const {
    std::vector<int> listed;
    if (axes) {
        (void)resolve_axes(*axes, input.rank());  // for its checks; the lists are in the order given
        for (const std::int64_t axis : *axes) listed.push_back(*normalize_axis(axis, input.rank()));
    } else {
        for (int axis = 0; axis < input.rank(); ++axis) listed.push_back(axis);
    }
    const std::size_t count = given_sizes.empty() ? given_scales.size() : given_sizes.size();
    if (count != listed.size()) fail(codes::kShapeInvalid, "{} scales or sizes are given for {} axes", count, listed.size());
    std::vector<Axis> result;
    for (const std::int64_t extent : input) result.push_back({1.0F, extent});
    std::vector<float> factors(listed.size());
    for (std::size_t index = 0; index < listed.size(); ++index) {
        const auto extent = static_cast<float>(input[listed[index]]);
        factors[index] =
            given_sizes.empty() ? given_scales[index] : (extent > 0.0F ? static_cast<float>(given_sizes[index]) / extent : 1.0F);
        if (!(factors[index] >= 0.0F) || !std::isfinite(factors[index])) fail(codes::kShapeInvalid, "a scale is {}", factors[index]);
    }
    const bool keeps_aspect = aspect_ratio != AspectRatio::Stretch && !given_sizes.empty() && !factors.empty();
    const auto [least, most] = std::minmax_element(factors.begin(), factors.end());
    const float common = !keeps_aspect ? 1.0F : aspect_ratio == AspectRatio::NotLarger ? *least : *most;
    for (std::size_t index = 0; index < listed.size(); ++index) {
        Axis& axis = result[static_cast<std::size_t>(listed[index])];
        const auto extent = static_cast<float>(axis.output);
        axis.scale = keeps_aspect ? common : factors[index];
        if (keeps_aspect) axis.output = extent_of(std::floor(static_cast<double>(common) * static_cast<double>(axis.output) + 0.5));
        else if (given_sizes.empty()) axis.output = extent_of(std::floor(extent * axis.scale));
        else if ((axis.output = given_sizes[index]) < 0) fail(codes::kShapeInvalid, "a size is {}", given_sizes[index]);
    }
    return result;
}

}  // namespace mcompress
