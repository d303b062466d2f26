#include "passes/quantize/op_rules.h"

#include <algorithm>

#include "ops/attributes.h"
#include "ops/conv.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/resize.h"
#include "ops/shape.h"
#include "passes/quantize/summation.h"

namespace mcompress {
namespace {

std::string_view refuse_gemm(const Node& node) {
    const GemmAttrs gemm = attrs<GemmAttrs>(node);
    if (gemm.alpha != 1.0F) return "its alpha is not 1";
    if (gemm.a != MatrixOrder::AsStored) return "its first operand is transposed";
    if (!node.input(2)) return {};
    if (gemm.beta != 1.0F) return "its beta is not 1";
    const Tensor* bias = known_tensor(node.input(2));
    if (!bias) return {};
    // One value a column, or one for all: anything else differs from row to row and has no int32 bias form.
    const Shape& shape = bias->shape();
    if (shape.rank() == 2 && shape[0] != 1) return "its bias is a matrix";
    return {};
}

std::string_view refuse_pad(const Node& node) {
    const PadAttrs pad = attrs<PadAttrs>(node);
    if (pad.mode != PadAttrs::Mode::Constant || pad.value.is_absent()) return {};
    if (!pad.value.is_settled()) return "the value it pads with is computed";
    return pad.value.value == 0.0 ? std::string_view{} : "the value it pads with is not 0";
}

std::string_view refuse_resize(const Node& node) {
    const ResizeAttrs resize = attrs<ResizeAttrs>(node);
    if (resize.mode == ResizeAttrs::Mode::Cubic) return "cubic interpolation leaves the range of its input";
    if (resize.coordinates == ResizeAttrs::Coordinates::TfCropAndResize) return "its extrapolation value may lie outside its input's range";
    return {};
}

std::string_view refuse_clip(const Node& node) {
    return attrs<ClipAttrs>(node).is_settled() ? std::string_view{} : "its bounds are computed";
}

/// Models that type inference refuses are checked too: a weight may have fewer axes than its operator wants.
std::optional<int> axis_within(const Shape& weight, int axis) { return axis < weight.rank() ? std::optional(axis) : std::nullopt; }

std::optional<int> conv_axis(const Node&, const Shape& weight) { return axis_within(weight, 0); }

std::optional<int> conv_transpose_axis(const Node& node, const Shape& weight) {
    // [C, M / group, kernel …]: with groups, entry m of axis 1 serves one output channel of every group.
    return attrs<ConvTransposeAttrs>(node).group == 1 ? axis_within(weight, 1) : std::nullopt;
}

std::optional<int> gemm_axis(const Node& node, const Shape& weight) {
    return axis_within(weight, attrs<GemmAttrs>(node).b == MatrixOrder::Transposed ? 0 : 1);
}

/// A stack of matrices has several columns for each output column.
std::optional<int> matmul_axis(const Node&, const Shape& weight) { return weight.rank() == 2 ? std::optional<int>(1) : std::nullopt; }

constexpr std::string_view kNoKernel = "ONNX Runtime has no integer kernel for it on the CPU";
constexpr std::string_view kPrecision = "its result needs more than 8 bits";
constexpr std::string_view kRecurrent = "errors of 8 bits add up over the steps of a recurrent operator";

constexpr OpRule kRules[] = {
    {"Conv", QuantizedRole::Compute, 1, 2, ResultQuantizer::Always, conv_axis, conv_summation},
    {"ConvTranspose", QuantizedRole::Compute, 1, 2, ResultQuantizer::Always, conv_transpose_axis, conv_transpose_summation},
    {"Gemm", QuantizedRole::Compute, 1, 2, ResultQuantizer::OnDemand, gemm_axis, gemm_summation, refuse_gemm},
    {"MatMul", QuantizedRole::Compute, 1, -1, ResultQuantizer::OnDemand, matmul_axis, matmul_summation},

    {"Add", QuantizedRole::Arithmetic},
    {"Mul", QuantizedRole::Arithmetic},
    {"Sub", QuantizedRole::Arithmetic},
    {"Div", QuantizedRole::Float, -1, -1, {}, nullptr, nullptr, nullptr, kNoKernel},

    {"AveragePool", QuantizedRole::Pooling},
    {"GlobalAveragePool", QuantizedRole::Pooling},
    {"Concat", QuantizedRole::Concat},

    {"Relu", QuantizedRole::Activation},
    {"Clip", QuantizedRole::Activation, -1, -1, {}, nullptr, nullptr, refuse_clip},

    {"MaxPool", QuantizedRole::PassThrough},
    {"Reshape", QuantizedRole::PassThrough},
    {"Flatten", QuantizedRole::PassThrough},
    {"Transpose", QuantizedRole::PassThrough},
    {"Squeeze", QuantizedRole::PassThrough},
    {"Unsqueeze", QuantizedRole::PassThrough},
    {"Slice", QuantizedRole::PassThrough},
    {"Gather", QuantizedRole::PassThrough},
    {"Split", QuantizedRole::PassThrough},
    {"Tile", QuantizedRole::PassThrough},
    {"Expand", QuantizedRole::PassThrough},
    {"DepthToSpace", QuantizedRole::PassThrough},
    {"SpaceToDepth", QuantizedRole::PassThrough},
    {"Identity", QuantizedRole::PassThrough},
    {"Pad", QuantizedRole::PassThrough, -1, -1, {}, nullptr, nullptr, refuse_pad},
    {"Resize", QuantizedRole::PassThrough, -1, -1, {}, nullptr, nullptr, refuse_resize},
    {"Upsample", QuantizedRole::PassThrough, -1, -1, {}, nullptr, nullptr, refuse_resize},

    {"Softmax", QuantizedRole::Float, -1, -1, {}, nullptr, nullptr, nullptr, kPrecision},
    {"LogSoftmax", QuantizedRole::Float, -1, -1, {}, nullptr, nullptr, nullptr, kPrecision},
    {"LayerNormalization", QuantizedRole::Float, -1, -1, {}, nullptr, nullptr, nullptr, kPrecision},
    {"InstanceNormalization", QuantizedRole::Float, -1, -1, {}, nullptr, nullptr, nullptr, kPrecision},
    {"GroupNormalization", QuantizedRole::Float, -1, -1, {}, nullptr, nullptr, nullptr, kPrecision},
    {"LSTM", QuantizedRole::Float, -1, -1, {}, nullptr, nullptr, nullptr, kRecurrent},
    {"GRU", QuantizedRole::Float, -1, -1, {}, nullptr, nullptr, nullptr, kRecurrent},
    {"RNN", QuantizedRole::Float, -1, -1, {}, nullptr, nullptr, nullptr, kRecurrent},
};

constexpr OpRule kUnknown{"", QuantizedRole::Float, -1, -1, {}, nullptr, nullptr, nullptr, "it has no quantization rule"};

}  // namespace

const OpRule& find_op_rule(const Node& node) {
    if (!node.domain().empty()) return kUnknown;
    const OpRule* found = std::find_if(std::begin(kRules), std::end(kRules), [&](const OpRule& rule) { return rule.op == node.op_type(); });
    return found == std::end(kRules) ? kUnknown : *found;
}

std::span<const OpRule> all_op_rules() { return kRules; }

int activation_input_count(const Node& node, const OpRule& rule) {
    switch (rule.role) {
        case QuantizedRole::Arithmetic:
        case QuantizedRole::Concat: return node.input_count();
        case QuantizedRole::Float: return 0;
        default: return 1;
    }
}

}  // namespace mcompress
