// com.microsoft: operators on quantized tensors.
#include "ops/elementwise.h"
#include "ops/infer_rules.h"
#include "ops/microsoft.h"
#include "ops/quantization.h"
#include "ops/recurrent.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

ValueType with_dims(DType dtype, std::optional<Dims> dims) { return {ValueType::Kind::Tensor, dtype, std::move(dims), nullptr, {}}; }

// QLinearAdd and its kin: A, A scale, A zero point, B, B scale, B zero point, C scale, C zero point.
void infer_qlinear_binary(InferContext& context) {
    const ValueType& a = context.input(0);
    const ValueType& b = context.input(3);
    if (!a.has_rank() || !b.has_rank()) return context.set_output(0, tensor_of(a.dtype));
    context.set_output(0, ValueType::tensor(a.dtype, broadcast_dims(context, *a.dims, *b.dims)));
}

// Condition, X, its scale and zero point, Y, its scale and zero point, Z's scale and zero point.
void infer_qlinear_where(InferContext& context) {
    const DType dtype = merge_dtypes(context, 1, 4);
    std::optional<Dims> dims = Dims{};
    for (const int index : {0, 1, 4}) {
        const ValueType& type = context.input(index);
        if (!type.has_rank()) dims.reset();
        if (dims) dims = broadcast_dims(context, *dims, *type.dims);
    }
    context.set_output(0, with_dims(dtype, std::move(dims)));
}

// Y scale, Y zero point, then (tensor, scale, zero point) for every input.
void infer_qlinear_concat(InferContext& context) {
    const std::int64_t given = required_int_attribute(context.node(), "axis");
    const DType dtype = context.input(1).dtype;
    if (context.input_count() < 5 || context.input_count() % 3 != 2) context.reject("the inputs are no list of tensor, scale, zero point");
    context.set_output(0, tensor_of(dtype));
    Dims output;
    for (int index = 2; index < context.input_count(); index += 3) {
        const ValueType& type = context.input(index);
        if (!type.has_rank()) return;
        if (index > 2 && type.dims->size() != output.size()) context.reject("the inputs have different ranks");
        const auto axis = static_cast<std::size_t>(checked_axis(context, given, type.rank()));
        if (index == 2) {
            output = *type.dims;
            continue;
        }
        for (std::size_t at = 0; at < output.size(); ++at)
            output[at] = at == axis ? add(context, output[at], (*type.dims)[at]) : merge_dims(context, output[at], (*type.dims)[at]);
    }
    context.set_output(0, ValueType::tensor(dtype, std::move(output)));
}

void check_concat(const Node& node) { (void)required_int_attribute(node, "axis"); }

void infer_qlinear_conv(InferContext& context) { infer_with_channels(context, "QLinearConv", 0, channel_order(context.node())); }
void infer_average_pool(InferContext& context) { infer_with_channels(context, "AveragePool", 0, channel_order(context.node())); }
void infer_global_pool(InferContext& context) { infer_with_channels(context, "GlobalAveragePool", 0, channel_order(context.node())); }
void infer_nhwc_max_pool(InferContext& context) { infer_with_channels(context, "MaxPool", 0, ChannelOrder::Last); }

void check_channel_order(const Node& node) { (void)channel_order(node); }
template <typename Attrs> void check_window(const Node& node) {
    (void)Attrs::read(node);
    (void)channel_order(node);
}

void infer_qlinear_reduce(InferContext& context) {
    const QLinearReduceMeanAttrs attrs = QLinearReduceMeanAttrs::read(context.node());
    const ValueType& input = context.input(0);
    if (!input.has_rank()) return context.set_output(0, tensor_of(input.dtype));
    std::vector<bool> reduced(input.dims->size(), attrs.axes.empty());
    for (const std::int64_t axis : attrs.axes) reduced[static_cast<std::size_t>(checked_axis(context, axis, input.rank()))] = true;
    Dims output;
    for (std::size_t axis = 0; axis < reduced.size(); ++axis) {
        if (!reduced[axis]) output.push_back((*input.dims)[axis]);
        else if (attrs.keeps_dims) output.push_back(1);
    }
    context.set_output(0, ValueType::tensor(input.dtype, std::move(output)));
}

void infer_qlinear_softmax(InferContext& context) {
    const QLinearSoftmaxAttrs attrs = QLinearSoftmaxAttrs::read(context.node());
    if (context.input(0).has_rank()) (void)checked_axis(context, attrs.axis, context.input(0).rank());
    infer_same(context);
}

// A, its scale and zero point, B, its scale and zero point, C, the scale and zero point of Y. Without those Y is float.
void infer_qgemm(InferContext& context) {
    const DType dtype = context.has_input(8) ? context.input(8).dtype : DType::Float32;
    context.set_output(0, ValueType::tensor(dtype, gemm_dims(context, 0, 3)));
}

// MatMulIntegerToFloat and DynamicQuantizeMatMul: the element type is that of the scale.
void infer_scaled_product(InferContext& context) {
    infer_as<"MatMulInteger">(context);
    context.outputs()[0].dtype = context.input(2).dtype;
}

void infer_matmul_nbits(InferContext& context) {
    const MatMulNBitsAttrs attrs = MatMulNBitsAttrs::read(context.node());
    const ValueType& a = context.input(0);
    if (!a.has_rank()) return context.set_output(0, tensor_of(a.dtype));
    if (a.rank() < 1) context.reject("a scalar is no matrix");
    (void)merge_dims(context, a.dims->back(), attrs.inner);
    Dims output = *a.dims;
    output.back() = attrs.columns;
    context.set_output(0, ValueType::tensor(a.dtype, std::move(output)));
}

std::int64_t matmul_nbits_macs(const Node& node, std::span<const ValueType>, std::span<const ValueType> outputs) {
    return saturating_multiply(element_count(outputs[0]), MatMulNBitsAttrs::read(node).inner);
}

// As LSTM with weights [directions, inputs, gates hidden].
void infer_dynamic_lstm(InferContext& context) {
    const RecurrentAttrs attrs = RecurrentAttrs::read(context.node());
    const Dims* input = dims_of_rank(context, 0, 3);
    const Dims* weights = dims_of_rank(context, 1, 3);
    const Dims* recurrence = dims_of_rank(context, 2, 3);
    const Dim directions = attrs.directions();
    Dim hidden = attrs.hidden_size > 0 ? Dim(attrs.hidden_size) : Dim();
    if (recurrence) hidden = merge_dims(context, hidden, (*recurrence)[1]);
    for (const Dims* matrix : {weights, recurrence}) {
        if (!matrix) continue;
        (void)merge_dims(context, (*matrix)[0], directions);
        (void)merge_dims(context, (*matrix)[2], multiply(context, hidden, 4));
    }
    if (weights && input) (void)merge_dims(context, (*weights)[1], (*input)[2]);
    const Dim steps = input ? (*input)[0] : Dim(), batch = input ? (*input)[1] : Dim();
    const DType dtype = context.input(0).dtype;
    context.set_output(0, ValueType::tensor(dtype, Dims{steps, directions, batch, hidden}));
    for (const int state : {1, 2}) context.set_output(state, ValueType::tensor(dtype, Dims{directions, batch, hidden}));
}

void infer_quantize_like(InferContext& context) {
    const DType dtype = context.has_input(2) ? context.input(2).dtype : DType::UInt8;
    context.set_output(0, with_dims(dtype, context.input(0).dims));
}

void infer_dequantize_like(InferContext& context) { context.set_output(0, with_dims(context.input(1).dtype, context.input(0).dims)); }

constexpr std::string_view kDomain = "com.microsoft";

// clang-format off
constexpr OpInfo kRows[] = {
    {kDomain, "DequantizeLinear", 1, 2, 3, 1, 1, infer_dequantize_like, check_attrs<QuantizeLinearAttrs>},
    {kDomain, "DynamicQuantizeLSTM", 1, 12, 12, 0, 3, infer_dynamic_lstm, check_attrs<RecurrentAttrs>, macs_as<"LSTM">},
    {kDomain, "DynamicQuantizeMatMul", 1, 3, 5, 1, 1, infer_scaled_product, nullptr, macs_as<"MatMul">},
    {kDomain, "MatMulIntegerToFloat", 1, 4, 7, 1, 1, infer_scaled_product, nullptr, macs_as<"MatMul">},
    {kDomain, "MatMulNBits", 1, 3, 6, 1, 1, infer_matmul_nbits, check_attrs<MatMulNBitsAttrs>, matmul_nbits_macs},
    {kDomain, "NhwcMaxPool", 1, 1, 1, 1, 1, infer_nhwc_max_pool, check_attrs<PoolAttrs>, nullptr, DataFlow::Selects},
    {kDomain, "QGemm", 1, 6, 9, 1, 1, infer_qgemm, check_attrs<GemmAttrs>, macs_as<"Gemm">},
    {kDomain, "QLinearAdd", 1, 7, 8, 1, 1, infer_qlinear_binary},
    {kDomain, "QLinearAveragePool", 1, 4, 5, 1, 1, infer_average_pool, check_window<PoolAttrs>},
    {kDomain, "QLinearConcat", 1, 3, kVariadic, 1, 1, infer_qlinear_concat, check_concat},
    {kDomain, "QLinearConv", 1, 8, 9, 1, 1, infer_qlinear_conv, check_window<ConvAttrs>, macs_as<"QLinearConv">},
    {kDomain, "QLinearGlobalAveragePool", 1, 5, 5, 1, 1, infer_global_pool, check_channel_order},
    {kDomain, "QLinearLeakyRelu", 1, 4, 5, 1, 1, infer_same, check_attrs<LeakyReluAttrs>, nullptr, DataFlow::Elementwise},
    {kDomain, "QLinearMul", 1, 7, 8, 1, 1, infer_qlinear_binary},
    {kDomain, "QLinearReduceMean", 1, 4, 5, 1, 1, infer_qlinear_reduce, check_attrs<QLinearReduceMeanAttrs>},
    {kDomain, "QLinearSigmoid", 1, 4, 5, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {kDomain, "QLinearSoftmax", 1, 5, 5, 1, 1, infer_qlinear_softmax, check_attrs<QLinearSoftmaxAttrs>},
    {kDomain, "QLinearWhere", 1, 9, 9, 1, 1, infer_qlinear_where},
    {kDomain, "QuantizeLinear", 1, 2, 3, 1, 1, infer_quantize_like, check_attrs<QuantizeLinearAttrs>},
};
// clang-format on

}  // namespace

std::span<const OpInfo> microsoft_quantized_rows() { return kRows; }

}  // namespace mcompress
