// Conv, ConvTranspose, ConvInteger, QLinearConv, DeformConv.
#include "ops/conv.h"

#include "ops/infer_rules.h"
#include "ops/rows.h"
#include "ops/window_dims.h"

namespace mcompress {

namespace {

// Where an operator has its input and weights, and the element type it produces.
struct Operands {
    int input = 0;
    int weights = 1;
    DType dtype = DType::Undefined;
};

// Axes of input and weights whose ranks are known to be equal; rejects others. Null when nothing can be said of the output's rank.
struct ConvDims {
    const Dims* input = nullptr;
    const Dims* weights = nullptr;
    int rank = 0;
};

std::optional<ConvDims> operand_dims(const InferContext& context, const Operands& operands) {
    ConvDims result;
    for (const auto& [index, dims] : {std::pair{operands.input, &result.input}, {operands.weights, &result.weights}}) {
        const ValueType& type = context.input(index);
        if (!type.has_rank()) continue;
        if (type.rank() < 3) context.reject(format("input {} has rank {}, expected at least 3", index, type.rank()));
        if (result.rank != 0 && result.rank != type.rank()) context.reject("input and weights do not have the same rank");
        *dims = &*type.dims;
        result.rank = type.rank();
    }
    if (result.rank == 0) return std::nullopt;
    return result;
}

Dim dim_at(const Dims* dims, int axis) { return dims ? (*dims)[static_cast<std::size_t>(axis)] : Dim(); }

// Kernel extents from the weights, else from kernel_shape.
Dims kernel_dims(const InferContext& context, const ConvDims& operands, const WindowAttrs& attrs) {
    Dims kernel;
    for (int axis = 0; axis < operands.rank - 2; ++axis) {
        Dim extent = dim_at(operands.weights, axis + 2);
        if (!attrs.kernel_shape.empty()) extent = merge_dims(context, extent, attrs.kernel_shape[static_cast<std::size_t>(axis)]);
        kernel.push_back(extent);
    }
    return kernel;
}

void check_rank(const InferContext& context, const WindowAttrs& attrs, int spatial_rank) {
    if (const auto given = attrs.spatial_rank(); given && *given != spatial_rank)
        context.reject(format("the attributes are for {} spatial axes, the input has {}", *given, spatial_rank));
}

void infer_convolution(InferContext& context, const Operands& operands) {
    const ConvAttrs attrs = ConvAttrs::read(context.node());
    const auto dims = operand_dims(context, operands);
    if (!dims) return context.set_output(0, tensor_of(operands.dtype));
    check_rank(context, attrs.window, dims->rank - 2);
    const Dim channels = dim_at(dims->input, 1);
    const Dim per_group = dim_at(dims->weights, 1);
    const Dim filters = dim_at(dims->weights, 0);
    if (channels.is_known() &&
        (channels.extent() % attrs.group != 0 || (per_group.is_known() && channels.extent() / attrs.group != per_group.extent())))
        context.reject(format("{} input channels in {} groups do not fit weights of {} channels", channels.to_string(), attrs.group,
                              per_group.to_string()));
    if (filters.is_known() && filters.extent() % attrs.group != 0)
        context.reject(format("{} output channels cannot be split into {} groups", filters.to_string(), attrs.group));
    Dims output{dim_at(dims->input, 0), filters};
    const Dims kernel = kernel_dims(context, *dims, attrs.window);
    for (int axis = 0; axis < dims->rank - 2; ++axis)
        output.push_back(window_dim(attrs.window, axis, dim_at(dims->input, axis + 2), kernel[static_cast<std::size_t>(axis)]));
    context.set_output(0, ValueType::tensor(operands.dtype, std::move(output)));
}

void infer_conv(InferContext& context) {
    merge_dtypes(context, 0, 1);
    infer_convolution(context, {0, 1, context.input(0).dtype});
}
void infer_conv_integer(InferContext& context) { infer_convolution(context, {0, 1, DType::Int32}); }
void infer_qlinear_conv(InferContext& context) { infer_convolution(context, {0, 3, context.input(7).dtype}); }

void infer_conv_transpose(InferContext& context) {
    const ConvTransposeAttrs attrs = ConvTransposeAttrs::read(context.node());
    const DType dtype = merge_dtypes(context, 0, 1);
    const auto dims = operand_dims(context, {0, 1, dtype});
    if (!dims) return context.set_output(0, tensor_of(dtype));
    check_rank(context, attrs.window.window, dims->rank - 2);
    for (const std::size_t length : {attrs.window.output_padding.size(), attrs.window.output_shape.size()})
        if (length != 0 && length != static_cast<std::size_t>(dims->rank - 2))
            context.reject(format("output_padding or output_shape is for {} spatial axes, the input has {}", length, dims->rank - 2));
    const Dim channels = merge_dims(context, dim_at(dims->input, 1), dim_at(dims->weights, 0));
    if (channels.is_known() && channels.extent() % attrs.group != 0)
        context.reject(format("{} input channels cannot be split into {} groups", channels.to_string(), attrs.group));
    Dims output{dim_at(dims->input, 0), multiply(context, dim_at(dims->weights, 1), attrs.group)};
    const Dims kernel = kernel_dims(context, *dims, attrs.window.window);
    for (int axis = 0; axis < dims->rank - 2; ++axis)
        output.push_back(transposed_window_dim(attrs.window, axis, dim_at(dims->input, axis + 2), kernel[static_cast<std::size_t>(axis)]));
    context.set_output(0, ValueType::tensor(dtype, std::move(output)));
}

void infer_deform_conv(InferContext& context) {
    (void)DeformConvAttrs::read(context.node());
    infer_convolution(context, {0, 1, context.input(0).dtype});
}

// Every output element is a sum over the channels of a group and the kernel.
std::int64_t convolution_macs(const ValueType& weights, const ValueType& output) {
    std::int64_t macs = element_count(output);
    for (std::size_t axis = 1; axis < weights.dims->size(); ++axis) macs = saturating_multiply(macs, (*weights.dims)[axis].extent());
    return macs;
}

std::int64_t conv_macs(const Node&, std::span<const ValueType> inputs, std::span<const ValueType> outputs) {
    return convolution_macs(inputs[1], outputs[0]);
}
std::int64_t qlinear_conv_macs(const Node&, std::span<const ValueType> inputs, std::span<const ValueType> outputs) {
    return convolution_macs(inputs[3], outputs[0]);
}
// Every input element is multiplied into every filter of its group and every kernel position.
std::int64_t conv_transpose_macs(const Node&, std::span<const ValueType> inputs, std::span<const ValueType>) {
    return convolution_macs(inputs[1], inputs[0]);
}

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "Conv", 1, 2, 3, 1, 1, infer_conv, check_attrs<ConvAttrs>, conv_macs},
    {"", "Conv", 11, 2, 3, 1, 1, infer_conv, check_attrs<ConvAttrs>, conv_macs},
    {"", "Conv", 22, 2, 3, 1, 1, infer_conv, check_attrs<ConvAttrs>, conv_macs},
    {"", "ConvInteger", 10, 2, 4, 1, 1, infer_conv_integer, check_attrs<ConvAttrs>, conv_macs},
    {"", "ConvTranspose", 1, 2, 3, 1, 1, infer_conv_transpose, check_attrs<ConvTransposeAttrs>, conv_transpose_macs},
    {"", "ConvTranspose", 11, 2, 3, 1, 1, infer_conv_transpose, check_attrs<ConvTransposeAttrs>, conv_transpose_macs},
    {"", "ConvTranspose", 22, 2, 3, 1, 1, infer_conv_transpose, check_attrs<ConvTransposeAttrs>, conv_transpose_macs},
    {"", "DeformConv", 19, 3, 5, 1, 1, infer_deform_conv, check_attrs<DeformConvAttrs>, conv_macs},
    {"", "DeformConv", 22, 3, 5, 1, 1, infer_deform_conv, check_attrs<DeformConvAttrs>, conv_macs},
    {"", "QLinearConv", 10, 8, 9, 1, 1, infer_qlinear_conv, check_attrs<ConvAttrs>, qlinear_conv_macs},
};
// clang-format on

}  // namespace

std::span<const OpInfo> conv_rows() { return kRows; }

}  // namespace mcompress
