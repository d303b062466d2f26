#include "tune/layer.h"

#include <algorithm>
#include <unordered_map>

#include "ops/attributes.h"
#include "ops/conv.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "passes/quantize/op_rules.h"
#include "passes/quantize/qdq_pair.h"
#include "support/check.h"

namespace mcompress {
namespace {

/// Whether the weight lies as [inputs, outputs].
bool lies_transposed(const Node& node) {
    return node.is("MatMul") || (node.is("Gemm") && attrs<GemmAttrs>(node).b == MatrixOrder::AsStored);
}

/// A bias as one value a channel; nothing when its shape is another.
bool fits_channels(const Value* bias, std::int64_t channels) {
    const Tensor* tensor = bias ? known_tensor(bias) : nullptr;
    return !bias || (tensor && tensor->dtype() == DType::Float32 && (tensor->element_count() == channels || tensor->element_count() == 1));
}

/// Reads extents and activation; false when the weight is no matrix, or the bias not one value a channel.
bool complete(Layer& layer, const Shape& weight) {
    const Node& node = *layer.node;
    if (node.is("Conv")) {
        layer.groups = attrs<ConvAttrs>(node).group;
        layer.outputs = weight[0] / layer.groups;
        layer.inputs = weight.product(1, weight.rank());
    } else if (weight.rank() != 2) {
        return false;
    } else {
        layer.outputs = weight[lies_transposed(node) ? 1 : 0];
        layer.inputs = weight[lies_transposed(node) ? 0 : 1];
    }
    if (layer.bias_input >= 0 && !fits_channels(layer.reference->input(layer.bias_input), layer.groups * layer.outputs)) return false;
    layer.passed = range_behind(*layer.reference->output(0));
    return true;
}

std::optional<Layer> layer_of(Node& node, const Node& reference) {
    const OpRule& rule = find_op_rule(node);
    if (rule.role != QuantizedRole::Compute || node.is("ConvTranspose") || !pair_in_front_of(node, 0)) return std::nullopt;
    const Value* dequantized = node.input(rule.weight_input);
    if (!dequantized || !dequantized->producer() || !dequantized->producer()->is("DequantizeLinear")) return std::nullopt;
    Layer layer{.node = &node, .reference = &reference, .weight = dequantized->producer(), .bias_input = rule.bias_input};
    const Value* codes = layer.weight->input(0);
    const Tensor* weight = reference.input(rule.weight_input) ? known_tensor(reference.input(rule.weight_input)) : nullptr;
    if (dequantized->uses().size() != 1 || !codes->constant() || codes->uses().size() != 1 || codes->constant()->dtype() != DType::Int8 ||
        !layer.weight->input(1)->constant() || layer.weight->input(1)->uses().size() != 1 || !weight || weight->dtype() != DType::Float32 ||
        weight->shape() != codes->constant()->shape())
        return std::nullopt;
    if (!complete(layer, weight->shape())) return std::nullopt;
    return layer;
}

}  // namespace

PassedRange range_behind(const Value& result) {
    PassedRange passed;
    if (result.uses().size() != 1 || result.is_graph_output()) return passed;
    const Node& reader = *result.uses()[0].node;
    if (&reader.graph() != &result.graph() || result.uses()[0].index != 0) return passed;
    if (reader.is("Relu")) passed.low = 0.0F;
    if (!reader.is("Clip")) return passed;
    const ClipAttrs clip = attrs<ClipAttrs>(reader);
    if (!clip.is_settled()) return passed;
    if (clip.min.value) passed.low = static_cast<float>(*clip.min.value);
    if (clip.max.value) passed.high = static_cast<float>(*clip.max.value);
    return passed;
}

std::optional<Layer> float_layer(Node& node, const Node& reference) {
    const OpRule& rule = find_op_rule(reference);
    if (rule.role != QuantizedRole::Compute || reference.is("ConvTranspose") || !reference.input(rule.weight_input)) return std::nullopt;
    const Tensor* weight = known_tensor(reference.input(rule.weight_input));
    if (!weight || weight->dtype() != DType::Float32 || weight->shape().rank() < 2) return std::nullopt;
    Layer layer{.node = &node, .reference = &reference, .weight = nullptr, .bias_input = rule.bias_input};
    if (!complete(layer, weight->shape())) return std::nullopt;
    return layer;
}

std::vector<Layer> find_layers(const Graph& reference, Graph& quantized) {
    std::vector<Layer> layers;
    for (Node* node : quantized.order()) {
        const Value* counterpart = node->output(0) ? reference.find_value(node->output(0)->name()) : nullptr;
        if (!counterpart || !counterpart->producer() || counterpart->producer()->op_type() != node->op_type()) continue;
        if (std::optional<Layer> layer = layer_of(*node, *counterpart->producer())) layers.push_back(*layer);
    }
    return layers;
}

std::vector<float> weight_matrix(const Layer& layer, const Tensor& weight) {
    const std::span<const float> values = weight.values<float>();
    if (!lies_transposed(*layer.node)) return {values.begin(), values.end()};
    std::vector<float> matrix(values.size());
    for (std::int64_t in = 0; in < layer.inputs; ++in)
        for (std::int64_t out = 0; out < layer.outputs; ++out)
            matrix[static_cast<std::size_t>(out * layer.inputs + in)] = values[static_cast<std::size_t>(in * layer.outputs + out)];
    return matrix;
}

Tensor weight_tensor(const Layer& layer, std::span<const float> matrix, const Shape& shape) {
    MCOMPRESS_CHECK(static_cast<std::int64_t>(matrix.size()) == shape.element_count());
    Tensor tensor = Tensor::uninitialized(DType::Float32, shape);
    float* to = tensor.mutable_data<float>();
    if (!lies_transposed(*layer.node)) {
        std::copy(matrix.begin(), matrix.end(), to);
        return tensor;
    }
    for (std::int64_t in = 0; in < layer.inputs; ++in)
        for (std::int64_t out = 0; out < layer.outputs; ++out)
            to[in * layer.outputs + out] = matrix[static_cast<std::size_t>(out * layer.inputs + in)];
    return tensor;
}

const Tensor& float_weight(const Layer& layer) { return *known_tensor(layer.reference->input(find_op_rule(*layer.node).weight_input)); }

std::vector<float> float_bias(const Layer& layer) {
    std::vector<float> bias(static_cast<std::size_t>(layer.groups * layer.outputs), 0.0F);
    const Value* value = layer.bias_input >= 0 ? layer.reference->input(layer.bias_input) : nullptr;
    if (!value) return bias;
    const std::span<const float> given = known_tensor(value)->values<float>();
    for (std::size_t at = 0; at < bias.size(); ++at) bias[at] = given[given.size() == 1 ? 0 : at];
    return bias;
}

}  // namespace mcompress
