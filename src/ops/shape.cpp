// Operators about shapes: Shape, Size, Reshape, Flatten, Squeeze, Unsqueeze, Expand, Tile, constants, Range, Identity.
#include "ops/shape.h"

#include <algorithm>
#include <cmath>

#include "ops/infer_rules.h"
#include "ops/reshape_dims.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

void infer_shape(InferContext& context) {
    const ShapeAttrs attrs = ShapeAttrs::read(context.node());
    Dims output = unknown_dims(1);
    if (context.input(0).has_rank()) {
        const auto [first, last] = attrs.resolve(context.input(0).rank());
        output[0] = last - first;
    }
    context.set_output(0, ValueType::tensor(DType::Int64, std::move(output)));
}

void infer_size(InferContext& context) { context.set_output(0, ValueType::tensor(DType::Int64, Dims{})); }

void infer_reshape(InferContext& context) {
    const ReshapeAttrs attrs = ReshapeAttrs::read(context.node());
    const ValueType& input = context.input(0);
    std::optional<std::vector<IntegerValue>> target;
    if (attrs.target.input < 0 && attrs.target.values) {
        target.emplace();
        for (const std::int64_t number : *attrs.target.values) target->push_back({number, {}});
    } else {
        target = context.sizes(1);
    }
    if (!target) return context.set_output(0, tensor_of(input.dtype));
    context.set_output(0, ValueType::tensor(input.dtype, reshape_dims(context, attrs, input.dims, *target)));
}

void infer_flatten(InferContext& context) {
    const FlattenAttrs attrs = FlattenAttrs::read(context.node());
    const ValueType& input = context.input(0);
    if (!input.has_rank()) return context.set_output(0, ValueType::tensor(input.dtype, unknown_dims(2)));
    const int rank = input.rank();
    if (attrs.axis < -rank || attrs.axis > rank) context.reject(format("axis {} is out of range for rank {}", attrs.axis, rank));
    const int axis = static_cast<int>(attrs.axis < 0 ? attrs.axis + rank : attrs.axis);
    context.set_output(
        0, ValueType::tensor(input.dtype, Dims{product(context, *input.dims, 0, axis), product(context, *input.dims, axis, rank)}));
}

void infer_squeeze(InferContext& context) {
    const SqueezeAttrs attrs = SqueezeAttrs::read(context.node());
    const ValueType& input = context.input(0);
    const auto listed = context.constant_integers(attrs.axes);
    if (!input.has_rank() || (!listed && !attrs.axes.is_absent())) return context.set_output(0, tensor_of(input.dtype));
    Dims output;
    if (!listed) {
        for (const Dim& dim : *input.dims) {
            if (!dim.is_known()) return context.set_output(0, tensor_of(input.dtype));
            if (dim != Dim(1)) output.push_back(dim);
        }
        return context.set_output(0, ValueType::tensor(input.dtype, std::move(output)));
    }
    const auto axes = resolve_axes(*listed, input.rank());
    for (std::size_t axis = 0; axis < input.dims->size(); ++axis) {
        const Dim& dim = (*input.dims)[axis];
        if (!std::binary_search(axes.begin(), axes.end(), static_cast<int>(axis))) output.push_back(dim);
        else if (dim.is_known() && dim != Dim(1))
            context.reject(format("axis {} has extent {} and cannot be removed", axis, dim.to_string()));
    }
    context.set_output(0, ValueType::tensor(input.dtype, std::move(output)));
}

void infer_unsqueeze(InferContext& context) {
    const UnsqueezeAttrs attrs = UnsqueezeAttrs::read(context.node());
    const ValueType& input = context.input(0);
    const auto listed = context.constant_integers(attrs.axes);
    if (!input.has_rank()) return context.set_output(0, tensor_of(input.dtype));
    if (!listed) {
        const auto count = context.sizes(attrs.axes.input);
        if (!count) return context.set_output(0, tensor_of(input.dtype));
        return context.set_output(0, ValueType::tensor(input.dtype, unknown_dims(input.rank() + static_cast<int>(count->size()))));
    }
    if (listed->size() > kLongestIntegerValues) context.reject("too many axes are listed");
    const int rank = input.rank() + static_cast<int>(listed->size());
    const auto axes = resolve_axes(*listed, rank);
    Dims output;
    auto next = input.dims->begin();
    for (int axis = 0; axis < rank; ++axis) output.push_back(std::binary_search(axes.begin(), axes.end(), axis) ? Dim(1) : *next++);
    context.set_output(0, ValueType::tensor(input.dtype, std::move(output)));
}

// Extents that come from an input which must not hold negative numbers.
std::optional<Dims> size_dims(const InferContext& context, int index) {
    const auto sizes = context.sizes(index);
    if (!sizes) return std::nullopt;
    Dims dims;
    for (const IntegerValue& size : *sizes) {
        if (size.number && *size.number < 0) context.reject(format("input {} holds {}", index, *size.number));
        dims.push_back(size.dim());
    }
    return dims;
}

void infer_expand(InferContext& context) {
    const ValueType& input = context.input(0);
    const auto target = size_dims(context, 1);
    if (!input.has_rank() || !target) return context.set_output(0, tensor_of(input.dtype));
    context.set_output(0, ValueType::tensor(input.dtype, broadcast_dims(context, *input.dims, *target)));
}

void infer_tile(InferContext& context) {
    const ValueType& input = context.input(0);
    if (!input.has_rank()) return context.set_output(0, tensor_of(input.dtype));
    const auto repeats = context.opset() < 6 ? std::nullopt : size_dims(context, 1);
    if (!repeats) return context.set_output(0, ValueType::tensor(input.dtype, unknown_dims(input.rank())));
    if (repeats->size() != input.dims->size()) context.reject(format("{} repeats are given for {} axes", repeats->size(), input.rank()));
    Dims output;
    for (std::size_t axis = 0; axis < repeats->size(); ++axis) output.push_back(multiply(context, (*input.dims)[axis], (*repeats)[axis]));
    context.set_output(0, ValueType::tensor(input.dtype, std::move(output)));
}

void infer_constant(InferContext& context) {
    const ConstantAttrs attrs = ConstantAttrs::read(context.node());
    if (attrs.value.defined()) context.set_output(0, ValueType::tensor(attrs.value.dtype(), attrs.value.shape()));
}

void infer_constant_of_shape(InferContext& context) {
    const DType dtype = ConstantOfShapeAttrs::read(context.node()).value.dtype();
    const auto dims = size_dims(context, 0);
    context.set_output(0, {ValueType::Kind::Tensor, dtype, dims, nullptr, {}});
}

void infer_range(InferContext& context) {
    const DType dtype = merge_dtypes(context, merge_dtypes(context, 0, 1) == DType::Undefined ? 1 : 0, 2);
    Dims output = unknown_dims(1);
    double numbers[3] = {};
    bool is_known = true;
    for (int index = 0; index < 3; ++index) {
        const Tensor* tensor = context.constant(index);
        const auto number = tensor ? scalar_of(*tensor) : std::nullopt;
        if (tensor && !number) context.reject(format("input {} is not one number", index));
        is_known = is_known && number.has_value();
        numbers[index] = number.value_or(0.0);
    }
    if (is_known && numbers[2] == 0.0) context.reject("the step is 0");
    const double count = is_known ? std::ceil((numbers[1] - numbers[0]) / numbers[2]) : 0.0;
    if (is_known && !(std::abs(count) < 1e15)) context.reject("the range is not finite");
    if (is_known) output[0] = static_cast<std::int64_t>(std::max(count, 0.0));
    context.set_output(0, ValueType::tensor(dtype, std::move(output)));
}

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "Constant", 1, 0, 0, 1, 1, infer_constant, check_attrs<ConstantAttrs>},
    {"", "Constant", 9, 0, 0, 1, 1, infer_constant, check_attrs<ConstantAttrs>},
    {"", "Constant", 11, 0, 0, 1, 1, infer_constant, check_attrs<ConstantAttrs>},
    {"", "Constant", 12, 0, 0, 1, 1, infer_constant, check_attrs<ConstantAttrs>},
    {"", "Constant", 13, 0, 0, 1, 1, infer_constant, check_attrs<ConstantAttrs>},
    {"", "Constant", 19, 0, 0, 1, 1, infer_constant, check_attrs<ConstantAttrs>},
    {"", "Constant", 21, 0, 0, 1, 1, infer_constant, check_attrs<ConstantAttrs>},
    {"", "Constant", 23, 0, 0, 1, 1, infer_constant, check_attrs<ConstantAttrs>},
    {"", "Constant", 24, 0, 0, 1, 1, infer_constant, check_attrs<ConstantAttrs>},
    {"", "ConstantOfShape", 9, 1, 1, 1, 1, infer_constant_of_shape, check_attrs<ConstantOfShapeAttrs>},
    {"", "ConstantOfShape", 20, 1, 1, 1, 1, infer_constant_of_shape, check_attrs<ConstantOfShapeAttrs>},
    {"", "ConstantOfShape", 21, 1, 1, 1, 1, infer_constant_of_shape, check_attrs<ConstantOfShapeAttrs>},
    {"", "ConstantOfShape", 23, 1, 1, 1, 1, infer_constant_of_shape, check_attrs<ConstantOfShapeAttrs>},
    {"", "ConstantOfShape", 24, 1, 1, 1, 1, infer_constant_of_shape, check_attrs<ConstantOfShapeAttrs>},
    {"", "Expand", 8, 2, 2, 1, 1, infer_expand, nullptr, nullptr, DataFlow::Selects},
    {"", "Expand", 13, 2, 2, 1, 1, infer_expand, nullptr, nullptr, DataFlow::Selects},
    {"", "Flatten", 1, 1, 1, 1, 1, infer_flatten, check_attrs<FlattenAttrs>, nullptr, DataFlow::Selects},
    {"", "Flatten", 9, 1, 1, 1, 1, infer_flatten, check_attrs<FlattenAttrs>, nullptr, DataFlow::Selects},
    {"", "Flatten", 11, 1, 1, 1, 1, infer_flatten, check_attrs<FlattenAttrs>, nullptr, DataFlow::Selects},
    {"", "Flatten", 13, 1, 1, 1, 1, infer_flatten, check_attrs<FlattenAttrs>, nullptr, DataFlow::Selects},
    {"", "Flatten", 21, 1, 1, 1, 1, infer_flatten, check_attrs<FlattenAttrs>, nullptr, DataFlow::Selects},
    {"", "Flatten", 23, 1, 1, 1, 1, infer_flatten, check_attrs<FlattenAttrs>, nullptr, DataFlow::Selects},
    {"", "Flatten", 24, 1, 1, 1, 1, infer_flatten, check_attrs<FlattenAttrs>, nullptr, DataFlow::Selects},
    {"", "Identity", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Selects},
    {"", "Identity", 13, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Selects},
    {"", "Identity", 14, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Selects},
    {"", "Identity", 16, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Selects},
    {"", "Identity", 19, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Selects},
    {"", "Identity", 21, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Selects},
    {"", "Identity", 23, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Selects},
    {"", "Identity", 24, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Selects},
    {"", "Range", 11, 3, 3, 1, 1, infer_range},
    {"", "Reshape", 1, 1, 1, 1, 1, infer_reshape, check_attrs<ReshapeAttrs>, nullptr, DataFlow::Selects},
    {"", "Reshape", 5, 2, 2, 1, 1, infer_reshape, check_attrs<ReshapeAttrs>, nullptr, DataFlow::Selects},
    {"", "Reshape", 13, 2, 2, 1, 1, infer_reshape, check_attrs<ReshapeAttrs>, nullptr, DataFlow::Selects},
    {"", "Reshape", 14, 2, 2, 1, 1, infer_reshape, check_attrs<ReshapeAttrs>, nullptr, DataFlow::Selects},
    {"", "Reshape", 19, 2, 2, 1, 1, infer_reshape, check_attrs<ReshapeAttrs>, nullptr, DataFlow::Selects},
    {"", "Reshape", 21, 2, 2, 1, 1, infer_reshape, check_attrs<ReshapeAttrs>, nullptr, DataFlow::Selects},
    {"", "Reshape", 23, 2, 2, 1, 1, infer_reshape, check_attrs<ReshapeAttrs>, nullptr, DataFlow::Selects},
    {"", "Reshape", 24, 2, 2, 1, 1, infer_reshape, check_attrs<ReshapeAttrs>, nullptr, DataFlow::Selects},
    {"", "Shape", 1, 1, 1, 1, 1, infer_shape, check_attrs<ShapeAttrs>},
    {"", "Shape", 13, 1, 1, 1, 1, infer_shape, check_attrs<ShapeAttrs>},
    {"", "Shape", 15, 1, 1, 1, 1, infer_shape, check_attrs<ShapeAttrs>},
    {"", "Shape", 19, 1, 1, 1, 1, infer_shape, check_attrs<ShapeAttrs>},
    {"", "Shape", 21, 1, 1, 1, 1, infer_shape, check_attrs<ShapeAttrs>},
    {"", "Shape", 23, 1, 1, 1, 1, infer_shape, check_attrs<ShapeAttrs>},
    {"", "Shape", 24, 1, 1, 1, 1, infer_shape, check_attrs<ShapeAttrs>},
    {"", "Size", 1, 1, 1, 1, 1, infer_size},
    {"", "Size", 13, 1, 1, 1, 1, infer_size},
    {"", "Size", 19, 1, 1, 1, 1, infer_size},
    {"", "Size", 21, 1, 1, 1, 1, infer_size},
    {"", "Size", 23, 1, 1, 1, 1, infer_size},
    {"", "Size", 24, 1, 1, 1, 1, infer_size},
    {"", "Squeeze", 1, 1, 1, 1, 1, infer_squeeze, check_attrs<SqueezeAttrs>, nullptr, DataFlow::Selects},
    {"", "Squeeze", 11, 1, 1, 1, 1, infer_squeeze, check_attrs<SqueezeAttrs>, nullptr, DataFlow::Selects},
    {"", "Squeeze", 13, 1, 2, 1, 1, infer_squeeze, check_attrs<SqueezeAttrs>, nullptr, DataFlow::Selects},
    {"", "Squeeze", 21, 1, 2, 1, 1, infer_squeeze, check_attrs<SqueezeAttrs>, nullptr, DataFlow::Selects},
    {"", "Squeeze", 23, 1, 2, 1, 1, infer_squeeze, check_attrs<SqueezeAttrs>, nullptr, DataFlow::Selects},
    {"", "Squeeze", 24, 1, 2, 1, 1, infer_squeeze, check_attrs<SqueezeAttrs>, nullptr, DataFlow::Selects},
    {"", "Tile", 1, 3, 3, 1, 1, infer_tile, nullptr, nullptr, DataFlow::Selects},
    {"", "Tile", 6, 2, 2, 1, 1, infer_tile, nullptr, nullptr, DataFlow::Selects},
    {"", "Tile", 13, 2, 2, 1, 1, infer_tile, nullptr, nullptr, DataFlow::Selects},
    {"", "Unsqueeze", 1, 1, 1, 1, 1, infer_unsqueeze, check_attrs<UnsqueezeAttrs>, nullptr, DataFlow::Selects},
    {"", "Unsqueeze", 11, 1, 1, 1, 1, infer_unsqueeze, check_attrs<UnsqueezeAttrs>, nullptr, DataFlow::Selects},
    {"", "Unsqueeze", 13, 2, 2, 1, 1, infer_unsqueeze, check_attrs<UnsqueezeAttrs>, nullptr, DataFlow::Selects},
    {"", "Unsqueeze", 21, 2, 2, 1, 1, infer_unsqueeze, check_attrs<UnsqueezeAttrs>, nullptr, DataFlow::Selects},
    {"", "Unsqueeze", 23, 2, 2, 1, 1, infer_unsqueeze, check_attrs<UnsqueezeAttrs>, nullptr, DataFlow::Selects},
    {"", "Unsqueeze", 24, 2, 2, 1, 1, infer_unsqueeze, check_attrs<UnsqueezeAttrs>, nullptr, DataFlow::Selects},
};
// clang-format on

}  // namespace

std::span<const OpInfo> shape_rows() { return kRows; }

}  // namespace mcompress
