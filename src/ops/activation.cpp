// Activation functions, Clip and Dropout.
#include "ops/elementwise.h"
#include "ops/infer_rules.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

void infer_prelu(InferContext& context) {
    const ValueType& input = context.input(0);
    const ValueType& slope = context.input(1);
    // Before opset 7 the slope is a scalar or one value a channel.
    if (context.opset() >= 7 && input.has_rank() && slope.has_rank()) {
        if (slope.rank() > input.rank()) context.reject("the slope has more axes than the input");
        (void)broadcast_dims(context, *input.dims, *slope.dims);
    }
    infer_same(context);
}

void infer_dropout(InferContext& context) {
    (void)DropoutAttrs::read(context.node());
    infer_same(context);
    const DType mask = context.opset() < 10 ? context.input(0).dtype : DType::Bool;
    context.set_output(1, {ValueType::Kind::Tensor, mask, context.input(0).dims, nullptr, {}});
}

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "Affine", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Celu", 12, 1, 1, 1, 1, infer_same, check_attrs<CeluAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Clip", 1, 1, 1, 1, 1, infer_same, check_attrs<ClipAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Clip", 6, 1, 1, 1, 1, infer_same, check_attrs<ClipAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Clip", 11, 1, 3, 1, 1, infer_same, check_attrs<ClipAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Clip", 12, 1, 3, 1, 1, infer_same, check_attrs<ClipAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Clip", 13, 1, 3, 1, 1, infer_same, check_attrs<ClipAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Dropout", 1, 1, 1, 1, 2, infer_dropout, check_attrs<DropoutAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Dropout", 6, 1, 1, 1, 2, infer_dropout, check_attrs<DropoutAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Dropout", 7, 1, 1, 1, 2, infer_dropout, check_attrs<DropoutAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Dropout", 10, 1, 1, 1, 2, infer_dropout, check_attrs<DropoutAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Dropout", 12, 1, 3, 1, 2, infer_dropout, check_attrs<DropoutAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Dropout", 13, 1, 3, 1, 2, infer_dropout, check_attrs<DropoutAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Dropout", 22, 1, 3, 1, 2, infer_dropout, check_attrs<DropoutAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Elu", 1, 1, 1, 1, 1, infer_same, check_attrs<EluAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Elu", 6, 1, 1, 1, 1, infer_same, check_attrs<EluAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Elu", 22, 1, 1, 1, 1, infer_same, check_attrs<EluAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Gelu", 20, 1, 1, 1, 1, infer_same, check_attrs<GeluAttrs>, nullptr, DataFlow::Elementwise},
    {"", "HardSigmoid", 1, 1, 1, 1, 1, infer_same, check_attrs<HardSigmoidAttrs>, nullptr, DataFlow::Elementwise},
    {"", "HardSigmoid", 6, 1, 1, 1, 1, infer_same, check_attrs<HardSigmoidAttrs>, nullptr, DataFlow::Elementwise},
    {"", "HardSigmoid", 22, 1, 1, 1, 1, infer_same, check_attrs<HardSigmoidAttrs>, nullptr, DataFlow::Elementwise},
    {"", "HardSwish", 14, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "HardSwish", 22, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "ImageScaler", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "LeakyRelu", 1, 1, 1, 1, 1, infer_same, check_attrs<LeakyReluAttrs>, nullptr, DataFlow::Elementwise},
    {"", "LeakyRelu", 6, 1, 1, 1, 1, infer_same, check_attrs<LeakyReluAttrs>, nullptr, DataFlow::Elementwise},
    {"", "LeakyRelu", 16, 1, 1, 1, 1, infer_same, check_attrs<LeakyReluAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Mish", 18, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Mish", 22, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "PRelu", 1, 2, 2, 1, 1, infer_prelu, nullptr, nullptr, DataFlow::Elementwise},
    {"", "PRelu", 6, 2, 2, 1, 1, infer_prelu, nullptr, nullptr, DataFlow::Elementwise},
    {"", "PRelu", 7, 2, 2, 1, 1, infer_prelu, nullptr, nullptr, DataFlow::Elementwise},
    {"", "PRelu", 9, 2, 2, 1, 1, infer_prelu, nullptr, nullptr, DataFlow::Elementwise},
    {"", "PRelu", 16, 2, 2, 1, 1, infer_prelu, nullptr, nullptr, DataFlow::Elementwise},
    {"", "ParametricSoftplus", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Relu", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Relu", 6, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Relu", 13, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Relu", 14, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "ScaledTanh", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Selu", 1, 1, 1, 1, 1, infer_same, check_attrs<SeluAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Selu", 6, 1, 1, 1, 1, infer_same, check_attrs<SeluAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Selu", 22, 1, 1, 1, 1, infer_same, check_attrs<SeluAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Shrink", 9, 1, 1, 1, 1, infer_same, check_attrs<ShrinkAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Sigmoid", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Sigmoid", 6, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Sigmoid", 13, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Softplus", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Softplus", 22, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Softsign", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Softsign", 22, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Swish", 24, 1, 1, 1, 1, infer_same, check_attrs<SwishAttrs>, nullptr, DataFlow::Elementwise},
    {"", "Tanh", 1, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Tanh", 6, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "Tanh", 13, 1, 1, 1, 1, infer_same, nullptr, nullptr, DataFlow::Elementwise},
    {"", "ThresholdedRelu", 10, 1, 1, 1, 1, infer_same, check_attrs<ThresholdedReluAttrs>, nullptr, DataFlow::Elementwise},
    {"", "ThresholdedRelu", 22, 1, 1, 1, 1, infer_same, check_attrs<ThresholdedReluAttrs>, nullptr, DataFlow::Elementwise},
};
// clang-format on

}  // namespace

std::span<const OpInfo> activation_rows() { return kRows; }

}  // namespace mcompress
