#include "engine/onednn/activations.h"

#include <cmath>
#include <limits>

#include "ops/elementwise.h"
#include "ops/microsoft.h"

namespace mcompress::onednn {

namespace {

using dnnl::algorithm;
using Operations = std::vector<EltwisePostOp>;
using Reader = std::optional<Operations> (*)(const PropagatedValues&, const Node&);

std::optional<float> known_scalar(const PropagatedValues& values, const Value* value) {
    if (!value) return std::nullopt;
    const Tensor* tensor = values.tensor(value);
    if (!tensor || tensor->dtype() != DType::Float32 || tensor->element_count() != 1) return std::nullopt;
    return tensor->data<float>()[0];
}

template <algorithm kAlgorithm> std::optional<Operations> simple(const PropagatedValues&, const Node&) {
    return Operations{{kAlgorithm, 0.0F, 0.0F}};
}

std::optional<Operations> read_leaky_relu(const PropagatedValues&, const Node& node) {
    return Operations{{algorithm::eltwise_relu, attrs<LeakyReluAttrs>(node).alpha, 0.0F}};
}

std::optional<Operations> read_elu(const PropagatedValues&, const Node& node) {
    return Operations{{algorithm::eltwise_elu, attrs<EluAttrs>(node).alpha, 0.0F}};
}

std::optional<Operations> read_clip(const PropagatedValues& values, const Node& node) {
    const auto clip = attrs<ClipAttrs>(node);
    const auto bound = [&](const ScalarSource& source, float absent) -> std::optional<float> {
        if (source.value) return static_cast<float>(*source.value);
        if (source.input < 0 || !node.input(source.input)) return absent;
        return known_scalar(values, node.input(source.input));
    };
    const auto low = bound(clip.min, std::numeric_limits<float>::lowest());
    const auto high = bound(clip.max, std::numeric_limits<float>::max());
    if (!low || !high || !(*low <= *high)) return std::nullopt;
    return Operations{{algorithm::eltwise_clip, *low, *high}};
}

std::optional<Operations> read_hard_sigmoid(const PropagatedValues&, const Node& node) {
    const auto hard = attrs<HardSigmoidAttrs>(node);
    return Operations{{algorithm::eltwise_linear, hard.alpha, hard.beta}, {algorithm::eltwise_clip, 0.0F, 1.0F}};
}

std::optional<Operations> read_hard_swish(const PropagatedValues&, const Node&) { return Operations{hard_swish()}; }

std::optional<Operations> read_gelu(const PropagatedValues&, const Node& node) {
    const bool tanh = attrs<GeluAttrs>(node).approximation == GeluAttrs::Approximation::Tanh;
    return Operations{{tanh ? algorithm::eltwise_gelu_tanh : algorithm::eltwise_gelu_erf, 0.0F, 0.0F}};
}

std::optional<Operations> read_negation(const PropagatedValues&, const Node&) {
    return Operations{{algorithm::eltwise_linear, -1.0F, 0.0F}};
}

std::optional<Operations> read_quick_gelu(const PropagatedValues&, const Node& node) {
    return Operations{{algorithm::eltwise_swish, attrs<QuickGeluAttrs>(node).alpha, 0.0F}};
}

std::optional<Operations> read_fast_gelu(const PropagatedValues&, const Node& node) {
    if (node.input(1)) return std::nullopt;
    return Operations{{algorithm::eltwise_gelu_tanh, 0.0F, 0.0F}};
}

struct Row {
    std::string_view type;
    Reader read;
    std::string_view domain = "";
};

constexpr std::string_view kMicrosoft = "com.microsoft";

constexpr Row kRows[] = {
    {"Relu", simple<algorithm::eltwise_relu>},
    {"LeakyRelu", read_leaky_relu},
    {"Elu", read_elu},
    {"Clip", read_clip},
    {"Sigmoid", simple<algorithm::eltwise_logistic>},
    {"Tanh", simple<algorithm::eltwise_tanh>},
    {"HardSigmoid", read_hard_sigmoid},
    {"HardSwish", read_hard_swish},
    {"Gelu", read_gelu},
    {"Exp", simple<algorithm::eltwise_exp>},
    {"Abs", simple<algorithm::eltwise_abs>},
    {"Sqrt", simple<algorithm::eltwise_sqrt>},
    {"Neg", read_negation},
    {"Gelu", simple<algorithm::eltwise_gelu_erf>, kMicrosoft},
    {"FastGelu", read_fast_gelu, kMicrosoft},
    {"QuickGelu", read_quick_gelu, kMicrosoft},
};

/// Arithmetic with one known scalar.
std::optional<Activation> scalar_arithmetic(const PropagatedValues& values, const Node& node) {
    if (!node.domain().empty() || node.input_count() != 2 || !node.input(0) || !node.input(1)) return std::nullopt;
    const int scalar_at = known_scalar(values, node.input(1)) ? 1 : 0;
    const auto number = known_scalar(values, node.input(scalar_at));
    const Value* other = node.input(1 - scalar_at);
    const auto shape = values.shape(other), result = values.shape(node.output(0));
    if (!number || !std::isfinite(*number) || values.is_known(other) || !shape || !result || *shape != *result) return std::nullopt;
    const auto linear = [&](float alpha, float beta) { return Activation{{{algorithm::eltwise_linear, alpha, beta}}, 1 - scalar_at}; };
    const std::string& type = node.op_type();
    if (type == "Add") return linear(1.0F, *number);
    if (type == "Mul") return linear(*number, 0.0F);
    if (type == "Div" && scalar_at == 1 && std::isfinite(1.0F / *number)) return linear(1.0F / *number, 0.0F);
    if (type == "Sub") return scalar_at == 1 ? linear(1.0F, -*number) : linear(-1.0F, *number);
    return std::nullopt;
}

}  // namespace

std::optional<Activation> activation_of(const PropagatedValues& values, const Node& node) {
    if (!node.output(0) || values.dtype(node.output(0)) != DType::Float32) return std::nullopt;
    for (const Row& row : kRows) {
        if (!node.is(row.domain, row.type)) continue;
        auto operations = row.read(values, node);
        if (!operations) return std::nullopt;
        return Activation{std::move(*operations), 0};
    }
    return scalar_arithmetic(values, node);
}

std::optional<BiasedActivation> biased_activation(const PropagatedValues& values, const Node& node) {
    const bool is_exact = node.is(kMicrosoft, "BiasGelu");
    if ((!is_exact && !node.is(kMicrosoft, "FastGelu")) || !node.output(0) || values.dtype(node.output(0)) != DType::Float32)
        return std::nullopt;
    const Value* bias = node.input(1);
    const Tensor* known = bias ? values.tensor(bias) : nullptr;
    const auto shape = values.shape(node.output(0));
    if (!known || !shape || shape->rank() == 0 || known->shape() != Shape{(*shape)[shape->rank() - 1]}) return std::nullopt;
    return BiasedActivation{{is_exact ? algorithm::eltwise_gelu_erf : algorithm::eltwise_gelu_tanh, 0.0F, 0.0F}, bias};
}

std::optional<EltwisePostOp> gated_activation(const Node& gate) {
    if (gate.is("Sigmoid")) return EltwisePostOp{algorithm::eltwise_swish, 1.0F, 0.0F};
    if (!gate.is("HardSigmoid")) return std::nullopt;
    const auto hard = attrs<HardSigmoidAttrs>(gate);
    if (std::abs(hard.alpha - 1.0F / 6.0F) > 1e-6F || hard.beta != 0.5F) return std::nullopt;
    return hard_swish();
}

}  // namespace mcompress::onednn
