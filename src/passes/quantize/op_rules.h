// The table of quantization rules: one row an operator. It says how an operator takes part in a quantized graph for ONNX Runtime's CPU kernels.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "ir/node.h"
#include "passes/quantize/weight_codes.h"

namespace mcompress {

enum class QuantizedRole {
    Compute,      // weights and activations in integers: Conv, Gemm, MatMul
    Arithmetic,   // two activations: Add, Mul
    Pooling,      // one activation, its own output range
    Concat,       // several activations brought to one set of parameters
    PassThrough,  // output elements are (or lie between) input elements: the parameters go through unchanged
    Activation,   // absorbed by the unit in front of it: the quantizer sits after it
    Float         // computed in float
};

/// Whether operators of that role are computed in integers themselves, by kernels that a target has or has not.
constexpr bool is_unit_role(QuantizedRole role) {
    return role != QuantizedRole::PassThrough && role != QuantizedRole::Activation && role != QuantizedRole::Float;
}

/// When the result of a unit gets a quantizer, where the target's convolutions cannot write floats (Target::convolution_result).
enum class ResultQuantizer {
    Always,   // the integer kernel writes integers only: without a quantizer behind it ONNX Runtime computes the operator in float
    OnDemand  // the kernel can write floats: quantized only where a quantized operator reads the result
};

struct OpRule {
    std::string_view op;  // of the default domain
    QuantizedRole role;
    int weight_input = -1;  // Compute only
    int bias_input = -1;    // Compute only; may be absent on the node
    ResultQuantizer result = ResultQuantizer::OnDemand;
    /// Compute only: the axis of the weight that output channels lie on; nothing when there is none, or channels share its entries.
    std::optional<int> (*channel_axis)(const Node&, const Shape& weight) = nullptr;
    /// Compute only: how a kernel walks the weights of one output channel while it sums; nothing when its rows do not lie along one axis.
    std::optional<SummationOrder> (*summation)(const Node&, const Shape& weight) = nullptr;
    /// Why this node cannot follow its rule; empty when it can. Null: no condition.
    std::string_view (*refuse)(const Node&) = nullptr;
    std::string_view reason = {};  // Float only: a complete clause
};

/// Never null: operators without a row get the row of the unknown operator (Float).
const OpRule& find_op_rule(const Node& node);
std::span<const OpRule> all_op_rules();

/// Inputs of a node that carry activations under its rule: [0, count).
int activation_input_count(const Node& node, const OpRule& rule);

}  // namespace mcompress
