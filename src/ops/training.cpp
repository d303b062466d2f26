// Losses, and the optimizer steps of ai.onnx.preview.training.
#include "ops/training.h"

#include "ops/infer_rules.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

// Scores [N, C, d …] and labels [N, d …]: a number, or with reduction "none" one loss a label; then the logarithms of the probabilities.
void infer_loss(InferContext& context) {
    const LossAttrs attrs = LossAttrs::read(context.node());
    const ValueType& scores = context.input(0);
    std::optional<Dims> losses = context.input(1).dims;
    if (scores.has_rank()) {
        if (scores.rank() < 2) context.reject("the scores have rank below 2");
        Dims labels = *scores.dims;
        labels.erase(labels.begin() + 1);
        if (losses && losses->size() != labels.size()) context.reject("the labels do not have one axis less than the scores");
        for (std::size_t axis = 0; losses && axis < labels.size(); ++axis)
            labels[axis] = merge_dims(context, labels[axis], (*losses)[axis]);
        losses = std::move(labels);
    }
    if (attrs.reduction != LossAttrs::Reduction::None) losses = Dims{};
    context.set_output(0, {ValueType::Kind::Tensor, scores.dtype, std::move(losses), nullptr, {}});
    context.set_output(1, {ValueType::Kind::Tensor, scores.dtype, scores.dims, nullptr, {}});
}

// Behind the rate and the step count: `groups` groups of tensors, of which the second holds the gradients; every other group is updated.
void infer_step(InferContext& context, int groups) {
    const int tensors = context.input_count() - 2;
    if (tensors < groups || tensors % groups != 0) context.reject(format("{} tensors do not make {} equal groups", tensors, groups));
    const int count = tensors / groups;
    for (int output = 0; output < context.output_count(); ++output) {
        const int input = 2 + output + (output < count ? 0 : count);
        if (input >= context.input_count()) context.reject("there are more outputs than updated tensors");
        context.set_output(output, context.input(input));
    }
}

void infer_adagrad(InferContext& context) { infer_step(context, 3); }
void infer_adam(InferContext& context) { infer_step(context, 4); }
void infer_momentum(InferContext& context) { infer_step(context, 3); }

constexpr std::string_view kTraining = "ai.onnx.preview.training";

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "NegativeLogLikelihoodLoss", 12, 2, 3, 1, 1, infer_loss, check_attrs<LossAttrs>},
    {"", "NegativeLogLikelihoodLoss", 13, 2, 3, 1, 1, infer_loss, check_attrs<LossAttrs>},
    {"", "NegativeLogLikelihoodLoss", 22, 2, 3, 1, 1, infer_loss, check_attrs<LossAttrs>},
    {"", "SoftmaxCrossEntropyLoss", 12, 2, 3, 1, 2, infer_loss, check_attrs<LossAttrs>},
    {"", "SoftmaxCrossEntropyLoss", 13, 2, 3, 1, 2, infer_loss, check_attrs<LossAttrs>},
    {kTraining, "Adagrad", 1, 3, kVariadic, 1, kVariadic, infer_adagrad, check_attrs<AdagradAttrs>},
    {kTraining, "Adam", 1, 3, kVariadic, 1, kVariadic, infer_adam, check_attrs<AdamAttrs>},
    {kTraining, "Momentum", 1, 3, kVariadic, 1, kVariadic, infer_momentum, check_attrs<MomentumAttrs>},
};
// clang-format on

}  // namespace

std::span<const OpInfo> training_rows() { return kRows; }

}  // namespace mcompress
