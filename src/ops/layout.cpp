// Operators that rearrange elements: Transpose, Concat, Split, Slice, Pad, DepthToSpace, SpaceToDepth.
#include <algorithm>

#include "ops/infer_rules.h"
#include "ops/rows.h"
#include "ops/shape.h"

namespace mcompress {

namespace {

void infer_transpose(InferContext& context) {
    const TransposeAttrs attrs = TransposeAttrs::read(context.node());
    const ValueType& input = context.input(0);
    if (!input.has_rank()) {
        const auto rank = static_cast<int>(attrs.perm.size());
        (void)attrs.resolve(rank);
        return context.set_output(0, rank == 0 ? tensor_of(input.dtype) : ValueType::tensor(input.dtype, unknown_dims(rank)));
    }
    Dims output;
    for (const int axis : attrs.resolve(input.rank())) output.push_back((*input.dims)[static_cast<std::size_t>(axis)]);
    context.set_output(0, ValueType::tensor(input.dtype, std::move(output)));
}

void infer_concat(InferContext& context) {
    const ConcatAttrs attrs = ConcatAttrs::read(context.node());
    int known = -1;  // an input whose dtype is known, to compare with
    for (int index = 0; index < context.input_count(); ++index) {
        if (known >= 0) (void)merge_dtypes(context, known, index);
        else if (context.input(index).dtype != DType::Undefined) known = index;
    }
    const DType dtype = context.input(known).dtype;
    std::optional<Dims> output;
    bool is_complete = true;
    for (int index = 0; index < context.input_count(); ++index) {
        const ValueType& input = context.input(index);
        if (!input.has_rank()) {
            is_complete = false;
            continue;
        }
        const auto axis = static_cast<std::size_t>(checked_axis(context, attrs.axis, input.rank()));
        if (!output) {
            output = input.dims;
            continue;
        }
        if (output->size() != input.dims->size()) context.reject("the inputs have different ranks");
        for (std::size_t at = 0; at < output->size(); ++at)
            (*output)[at] =
                at == axis ? add(context, (*output)[at], (*input.dims)[at]) : merge_dims(context, (*output)[at], (*input.dims)[at]);
    }
    if (!output) return context.set_output(0, tensor_of(dtype));
    if (!is_complete) (*output)[static_cast<std::size_t>(checked_axis(context, attrs.axis, static_cast<int>(output->size())))] = Dim();
    context.set_output(0, ValueType::tensor(dtype, std::move(*output)));
}

void infer_split(InferContext& context) {
    const SplitAttrs attrs = SplitAttrs::read(context.node());
    const ValueType& input = context.input(0);
    const int outputs = context.output_count();
    for (int index = 0; index < outputs; ++index) context.set_output(index, tensor_of(input.dtype));
    if (!input.has_rank()) return;
    const auto axis = static_cast<std::size_t>(checked_axis(context, attrs.axis, input.rank()));
    const auto listed = context.constant_integers(attrs.split);
    const Dim& extent = (*input.dims)[axis];
    const bool is_settled = attrs.split.is_absent() || listed;
    std::vector<Dim> parts(static_cast<std::size_t>(outputs));
    if (extent.is_known() && is_settled) {
        const auto resolved = attrs.resolve(extent.extent(), outputs, listed);
        parts.assign(resolved.begin(), resolved.end());
    } else if (listed && listed->size() == parts.size()) {
        for (std::size_t index = 0; index < parts.size(); ++index) parts[index] = (*listed)[index] < 0 ? Dim() : Dim((*listed)[index]);
    }
    for (int index = 0; index < outputs; ++index) {
        Dims dims = *input.dims;
        dims[axis] = parts[static_cast<std::size_t>(index)];
        context.set_output(index, ValueType::tensor(input.dtype, std::move(dims)));
    }
}

// One axis of a slice; a range that covers any extent keeps a symbol.
Dim slice_dim(const Dim& extent, const std::optional<std::int64_t>& start, const std::optional<std::int64_t>& end, std::int64_t step) {
    if (!start || !end) return {};
    if (extent.is_known()) return resolve_slice(*start, *end, step, extent.extent()).count;
    return *start == 0 && *end >= INT32_MAX && step == 1 ? extent : Dim();
}

void infer_slice(InferContext& context) {
    const SliceAttrs attrs = SliceAttrs::read(context.node());
    const ValueType& input = context.input(0);
    if (!input.has_rank()) return context.set_output(0, tensor_of(input.dtype));
    const auto axes = context.constant_integers(attrs.axes);
    const auto steps = context.constant_integers(attrs.steps);
    const auto list = [&](const IntegersSource& source) {
        std::optional<std::vector<IntegerValue>> values;
        if (source.input >= 0) return context.sizes(source.input);
        values.emplace();
        for (const std::int64_t number : *source.values) values->push_back({number, {}});
        return values;
    };
    const auto starts = list(attrs.starts);
    const auto ends = list(attrs.ends);
    if (!starts || !ends || (!attrs.axes.is_absent() && !axes))
        return context.set_output(0, ValueType::tensor(input.dtype, unknown_dims(input.rank())));
    if (starts->size() != ends->size() || (steps && steps->size() != starts->size()))
        context.reject(format("starts and ends have {} and {} entries", starts->size(), ends->size()));
    const auto listed = resolve_listed_axes(axes, starts->size(), input.rank());
    Dims output = *input.dims;
    for (std::size_t index = 0; index < listed.size(); ++index) {
        Dim& dim = output[static_cast<std::size_t>(listed[index])];
        if (!attrs.steps.is_absent() && !steps) dim = Dim();
        else dim = slice_dim(dim, (*starts)[index].number, (*ends)[index].number, steps ? (*steps)[index] : 1);
    }
    context.set_output(0, ValueType::tensor(input.dtype, std::move(output)));
}

void infer_pad(InferContext& context) {
    const PadAttrs attrs = PadAttrs::read(context.node());
    const ValueType& input = context.input(0);
    if (!input.has_rank()) return context.set_output(0, tensor_of(input.dtype));
    const auto pads = context.constant_integers(attrs.pads);
    const auto axes = context.constant_integers(attrs.axes);
    if (!pads || (!attrs.axes.is_absent() && !axes))
        return context.set_output(0, ValueType::tensor(input.dtype, unknown_dims(input.rank())));
    const auto amounts = PadAttrs::resolve(input.rank(), *pads, axes);
    Dims output = *input.dims;
    for (std::size_t axis = 0; axis < output.size(); ++axis) {
        const auto [begin, end] = amounts[axis];
        if (begin == 0 && end == 0) continue;
        if (!output[axis].is_known()) {
            output[axis] = Dim();
            continue;
        }
        std::int64_t extent = 0;
        if (__builtin_add_overflow(output[axis].extent(), begin + end, &extent) || extent < 0)
            context.reject(format("pads {} and {} do not fit an extent of {}", begin, end, output[axis].to_string()));
        output[axis] = extent;
    }
    context.set_output(0, ValueType::tensor(input.dtype, std::move(output)));
}

Dim divide(const InferContext& context, const Dim& dim, std::int64_t divisor) {
    if (!dim.is_known()) return divisor == 1 ? dim : Dim();
    if (dim.extent() % divisor != 0) context.reject(format("an extent of {} is not a multiple of {}", dim.to_string(), divisor));
    return dim.extent() / divisor;
}

void infer_depth_to_space(InferContext& context) {
    const std::int64_t block = DepthToSpaceAttrs::read(context.node()).blocksize;
    Dims output = unknown_dims(4);
    if (const Dims* dims = dims_of_rank(context, 0, 4))
        output = {(*dims)[0], divide(context, (*dims)[1], block * block), multiply(context, (*dims)[2], block),
                  multiply(context, (*dims)[3], block)};
    context.set_output(0, ValueType::tensor(context.input(0).dtype, std::move(output)));
}

void infer_space_to_depth(InferContext& context) {
    const std::int64_t block = SpaceToDepthAttrs::read(context.node()).blocksize;
    Dims output = unknown_dims(4);
    if (const Dims* dims = dims_of_rank(context, 0, 4))
        output = {(*dims)[0], multiply(context, (*dims)[1], block * block), divide(context, (*dims)[2], block),
                  divide(context, (*dims)[3], block)};
    context.set_output(0, ValueType::tensor(context.input(0).dtype, std::move(output)));
}

// Crop of ONNX's first, experimental operators: `border` is left, top, right, bottom; `scale`, when given, is the extent kept.
void infer_crop(InferContext& context) {
    const auto border = ints_attribute(context.node(), "border");
    const auto scale = ints_attribute(context.node(), "scale");
    if (border.size() != 4) reject_attribute(context.node(), "border", "does not have four values");
    Dims output = unknown_dims(4);
    if (const Dims* dims = dims_of_rank(context, 0, 4)) output = *dims;
    for (std::size_t axis = 0; axis < 2; ++axis) {
        Dim& dim = output[axis + 2];
        const std::int64_t before = border[1 - axis];
        const std::int64_t after = border[3 - axis];
        if (before < 0 || after < 0) reject_attribute(context.node(), "border", "holds a negative value");
        if (scale.size() == 2) dim = scale[axis] < 0 ? Dim() : Dim(scale[axis]);
        else if (dim.is_known() && (before > dim.extent() || after > dim.extent() - before))
            context.reject("the border is larger than the image");
        else dim = dim.is_known() ? Dim(dim.extent() - before - after) : Dim();
    }
    context.set_output(0, ValueType::tensor(context.input(0).dtype, std::move(output)));
}

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "Concat", 1, 1, kVariadic, 1, 1, infer_concat, check_attrs<ConcatAttrs>, nullptr, DataFlow::Selects},
    {"", "Concat", 4, 1, kVariadic, 1, 1, infer_concat, check_attrs<ConcatAttrs>, nullptr, DataFlow::Selects},
    {"", "Concat", 11, 1, kVariadic, 1, 1, infer_concat, check_attrs<ConcatAttrs>, nullptr, DataFlow::Selects},
    {"", "Concat", 13, 1, kVariadic, 1, 1, infer_concat, check_attrs<ConcatAttrs>, nullptr, DataFlow::Selects},
    {"", "Crop", 1, 1, 1, 1, 1, infer_crop, nullptr, nullptr, DataFlow::Selects},
    {"", "DepthToSpace", 1, 1, 1, 1, 1, infer_depth_to_space, check_attrs<DepthToSpaceAttrs>, nullptr, DataFlow::Selects},
    {"", "DepthToSpace", 11, 1, 1, 1, 1, infer_depth_to_space, check_attrs<DepthToSpaceAttrs>, nullptr, DataFlow::Selects},
    {"", "DepthToSpace", 13, 1, 1, 1, 1, infer_depth_to_space, check_attrs<DepthToSpaceAttrs>, nullptr, DataFlow::Selects},
    {"", "Pad", 1, 1, 1, 1, 1, infer_pad, check_attrs<PadAttrs>, nullptr, DataFlow::Selects},
    {"", "Pad", 2, 1, 1, 1, 1, infer_pad, check_attrs<PadAttrs>, nullptr, DataFlow::Selects},
    {"", "Pad", 11, 2, 3, 1, 1, infer_pad, check_attrs<PadAttrs>, nullptr, DataFlow::Selects},
    {"", "Pad", 13, 2, 3, 1, 1, infer_pad, check_attrs<PadAttrs>, nullptr, DataFlow::Selects},
    {"", "Pad", 18, 2, 4, 1, 1, infer_pad, check_attrs<PadAttrs>, nullptr, DataFlow::Selects},
    {"", "Pad", 19, 2, 4, 1, 1, infer_pad, check_attrs<PadAttrs>, nullptr, DataFlow::Selects},
    {"", "Pad", 21, 2, 4, 1, 1, infer_pad, check_attrs<PadAttrs>, nullptr, DataFlow::Selects},
    {"", "Pad", 23, 2, 4, 1, 1, infer_pad, check_attrs<PadAttrs>, nullptr, DataFlow::Selects},
    {"", "Pad", 24, 2, 4, 1, 1, infer_pad, check_attrs<PadAttrs>, nullptr, DataFlow::Selects},
    {"", "Slice", 1, 1, 1, 1, 1, infer_slice, check_attrs<SliceAttrs>, nullptr, DataFlow::Selects},
    {"", "Slice", 10, 3, 5, 1, 1, infer_slice, check_attrs<SliceAttrs>, nullptr, DataFlow::Selects},
    {"", "Slice", 11, 3, 5, 1, 1, infer_slice, check_attrs<SliceAttrs>, nullptr, DataFlow::Selects},
    {"", "Slice", 13, 3, 5, 1, 1, infer_slice, check_attrs<SliceAttrs>, nullptr, DataFlow::Selects},
    {"", "SpaceToDepth", 1, 1, 1, 1, 1, infer_space_to_depth, check_attrs<SpaceToDepthAttrs>, nullptr, DataFlow::Selects},
    {"", "SpaceToDepth", 13, 1, 1, 1, 1, infer_space_to_depth, check_attrs<SpaceToDepthAttrs>, nullptr, DataFlow::Selects},
    {"", "Split", 1, 1, 2, 1, kVariadic, infer_split, check_attrs<SplitAttrs>, nullptr, DataFlow::Selects},
    {"", "Split", 2, 1, 1, 1, kVariadic, infer_split, check_attrs<SplitAttrs>, nullptr, DataFlow::Selects},
    {"", "Split", 11, 1, 1, 1, kVariadic, infer_split, check_attrs<SplitAttrs>, nullptr, DataFlow::Selects},
    {"", "Split", 13, 1, 2, 1, kVariadic, infer_split, check_attrs<SplitAttrs>, nullptr, DataFlow::Selects},
    {"", "Split", 18, 1, 2, 1, kVariadic, infer_split, check_attrs<SplitAttrs>, nullptr, DataFlow::Selects},
    {"", "Transpose", 1, 1, 1, 1, 1, infer_transpose, check_attrs<TransposeAttrs>, nullptr, DataFlow::Selects},
    {"", "Transpose", 13, 1, 1, 1, 1, infer_transpose, check_attrs<TransposeAttrs>, nullptr, DataFlow::Selects},
    {"", "Transpose", 21, 1, 1, 1, 1, infer_transpose, check_attrs<TransposeAttrs>, nullptr, DataFlow::Selects},
    {"", "Transpose", 23, 1, 1, 1, 1, infer_transpose, check_attrs<TransposeAttrs>, nullptr, DataFlow::Selects},
    {"", "Transpose", 24, 1, 1, 1, 1, infer_transpose, check_attrs<TransposeAttrs>, nullptr, DataFlow::Selects},
};
// clang-format on

}  // namespace

std::span<const OpInfo> layout_rows() { return kRows; }

}  // namespace mcompress
