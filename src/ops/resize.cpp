// Resize and Upsample.
#include "ops/resize.h"

#include <algorithm>

#include "ops/infer_rules.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

std::optional<std::vector<float>> known_scales(const InferContext& context, const ResizeAttrs& attrs) {
    if (attrs.scales || attrs.scales_input < 0) return attrs.scales;
    const Tensor* tensor = context.constant(attrs.scales_input);
    if (!tensor || tensor->dtype() != DType::Float32) return std::nullopt;
    const auto values = tensor->values<float>();
    return std::vector<float>(values.begin(), values.end());
}

// The axes that scales and sizes list, in their order; rejects wrong ones.
std::vector<std::size_t> listed_axes(const InferContext& context, const ResizeAttrs& attrs, int rank) {
    std::vector<std::size_t> listed;
    if (!attrs.axes)
        for (int axis = 0; axis < rank; ++axis) listed.push_back(static_cast<std::size_t>(axis));
    else
        for (const std::int64_t axis : *attrs.axes) listed.push_back(static_cast<std::size_t>(checked_axis(context, axis, rank)));
    return listed;
}

// Dimensions from scales; an unknown one is kept where the scale is 1. Not for crops: there the region of interest counts too.
void apply_scales(const ResizeAttrs& attrs, const std::vector<std::size_t>& listed, const std::vector<float>& scales, Dims& output) {
    std::vector<std::int64_t> extents;
    for (const Dim& dim : output) extents.push_back(std::max<std::int64_t>(dim.extent(), 0));
    const auto axes = attrs.resolve(Shape(std::move(extents)), scales, {});
    for (std::size_t index = 0; index < listed.size(); ++index) {
        Dim& dim = output[listed[index]];
        if (attrs.coordinates == ResizeAttrs::Coordinates::TfCropAndResize) dim = Dim();
        else if (dim.is_known()) dim = axes[listed[index]].output;
        else if (scales[index] != 1.0F) dim = Dim();
    }
}

void apply_sizes(const InferContext& context, const ResizeAttrs& attrs, const std::vector<std::size_t>& listed,
                 const std::vector<IntegerValue>& sizes, Dims& output) {
    if (sizes.size() != listed.size()) context.reject(format("{} sizes are given for {} axes", sizes.size(), listed.size()));
    if (attrs.aspect_ratio == ResizeAttrs::AspectRatio::Stretch) {
        for (std::size_t index = 0; index < listed.size(); ++index) output[listed[index]] = sizes[index].dim();
        return;
    }
    std::vector<std::int64_t> extents;
    std::vector<std::int64_t> numbers;
    for (const Dim& dim : output) extents.push_back(std::max<std::int64_t>(dim.extent(), 0));
    bool is_known = true;
    for (std::size_t index = 0; index < listed.size(); ++index) {
        is_known = is_known && output[listed[index]].is_known() && sizes[index].number;
        numbers.push_back(sizes[index].number.value_or(0));
    }
    const auto axes = is_known ? attrs.resolve(Shape(std::move(extents)), {}, numbers) : std::vector<ResizeAttrs::Axis>{};
    for (const std::size_t axis : listed) output[axis] = is_known ? Dim(axes[axis].output) : Dim();
}

void infer_resize(InferContext& context) {
    const ResizeAttrs attrs = ResizeAttrs::read(context.node());
    const ValueType& input = context.input(0);
    // Before opset 13 the scales are an input that may be empty, not one that may be absent.
    if (context.opset() >= 13 && context.node().domain().empty() && context.node().is("Resize") && !context.has_input(2) &&
        !context.has_input(3))
        context.reject("neither scales nor sizes are given");
    if (!input.has_rank()) return context.set_output(0, tensor_of(input.dtype));
    const auto listed = listed_axes(context, attrs, input.rank());
    for (const int input_of_axes : {attrs.scales_input, attrs.sizes_input})
        if (const Dims* entries = input_of_axes >= 0 ? dims_of_rank(context, input_of_axes, 1) : nullptr;
            entries && (*entries)[0].is_known() && (*entries)[0].extent() != 0 &&
            (*entries)[0].extent() != static_cast<std::int64_t>(listed.size()))
            context.reject(format("input {} has {} entries for {} axes", input_of_axes, (*entries)[0].extent(), listed.size()));
    const auto scales = known_scales(context, attrs);
    const auto sizes = attrs.sizes_input >= 0 ? context.sizes(attrs.sizes_input) : std::nullopt;
    Dims output = *input.dims;
    if (scales && !scales->empty()) {
        apply_scales(attrs, listed, *scales, output);
    } else if (sizes && !sizes->empty()) {
        apply_sizes(context, attrs, listed, *sizes, output);
    } else {
        for (const std::size_t axis : listed) output[axis] = Dim();
    }
    context.set_output(0, ValueType::tensor(input.dtype, std::move(output)));
}

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "Resize", 10, 2, 2, 1, 1, infer_resize, check_attrs<ResizeAttrs>},
    {"", "Resize", 11, 3, 4, 1, 1, infer_resize, check_attrs<ResizeAttrs>},
    {"", "Resize", 13, 1, 4, 1, 1, infer_resize, check_attrs<ResizeAttrs>},
    {"", "Resize", 18, 1, 4, 1, 1, infer_resize, check_attrs<ResizeAttrs>},
    {"", "Resize", 19, 1, 4, 1, 1, infer_resize, check_attrs<ResizeAttrs>},
    {"", "Upsample", 1, 1, 1, 1, 1, infer_resize, check_attrs<ResizeAttrs>},
    {"", "Upsample", 7, 1, 1, 1, 1, infer_resize, check_attrs<ResizeAttrs>},
    {"", "Upsample", 9, 2, 2, 1, 1, infer_resize, check_attrs<ResizeAttrs>},
    {"", "Upsample", 10, 2, 2, 1, 1, infer_resize, check_attrs<ResizeAttrs>},
};
// clang-format on

}  // namespace

std::span<const OpInfo> resize_rows() { return kRows; }

}  // namespace mcompress
