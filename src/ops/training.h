// Attributes of what trains a model: losses, and the optimizer steps of ai.onnx.preview.training.
#pragma once

#include "ops/attributes.h"

namespace mcompress {

/// NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss.
struct LossAttrs {
    enum class Reduction { None, Sum, Mean };
    Reduction reduction = Reduction::Mean;
    std::optional<std::int64_t> ignore_index;  // labels of that value count for nothing
    static LossAttrs read(const Node& node);
};

/// Inputs of all three: the learning rate, the number of steps done, then the tensors to optimize, their gradients and their state, each a
/// group of equal size. Outputs: the new tensors, then their state.
struct AdagradAttrs {
    float decay_factor = 0.0F;
    float epsilon = 1e-6F;
    float norm_coefficient = 0.0F;  // of the squared norm that is added to the loss
    static AdagradAttrs read(const Node& node);
};

struct AdamAttrs {
    float alpha = 0.9F;   // of the running gradient
    float beta = 0.999F;  // of the running squared gradient
    float epsilon = 1e-6F;
    float norm_coefficient = 0.0F;
    float norm_coefficient_post = 0.0F;  // the tensor itself shrinks by it
    static AdamAttrs read(const Node& node);
};

struct MomentumAttrs {
    enum class Mode { Standard, Nesterov };
    Mode mode = Mode::Standard;
    float alpha = 0.0F;  // of the momentum
    float beta = 0.0F;   // of the gradient, after the first step
    float norm_coefficient = 0.0F;
    static MomentumAttrs read(const Node& node);
};

}  // namespace mcompress
