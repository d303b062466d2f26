// ONNX operators that oneDNN computes element by element.
#pragma once

#include <optional>
#include <vector>

#include "engine/onednn/attributes.h"
#include "engine/shape_propagation.h"

namespace mcompress::onednn {

/// The element-wise operations, in order, that the node applies to its float input 0; nothing when it is not of that kind. Arithmetic with a known
/// scalar (x + c, x * c, c - x …) is among them; `input` says which of the node's inputs is transformed.
struct Activation {
    std::vector<EltwisePostOp> operations;
    int input = 0;
};
std::optional<Activation> activation_of(const PropagatedValues& values, const Node& node);

/// An activation of the sum of input 0 and a known bias, one number an element of the last axis: BiasGelu and FastGelu of com.microsoft.
struct BiasedActivation {
    EltwisePostOp operation;
    const Value* bias = nullptr;
};
std::optional<BiasedActivation> biased_activation(const PropagatedValues& values, const Node& node);

/// x * gate(x) for a gate node that reads x, where oneDNN has it as one operation (Swish, HardSwish).
std::optional<EltwisePostOp> gated_activation(const Node& gate);

}  // namespace mcompress::onednn
