// Stores the constant bias of a Conv, ConvTranspose or Gemm as int32 at the scale of the integer accumulator, so that the kernel adds it there.
//
// Before:  y = Conv (x_dq, w_dq, b)
// After:   b_dq = DequantizeLinear <axis = 0> (b_q, b_s)   y = Conv (x_dq, w_dq, b_dq)
//
// Formula: s_b[c] = s_x s_w[c] (in float, as the kernel computes it), b_q = rne(b / s_b[c]).
// Guard:   s_b[c] >= 1.0001 * 2|b[c]| / (2^32 - 2), or b_q leaves int32. A channel below that (its weights are all but dead) gets a greater weight
//          scale and its weight codes are rounded again; the skip list names the node. A bias whose scale no float holds stays as it is.
//
// Does nothing when the target wants float biases, when activation or weight are not quantized, or the bias is absent, computed or quantized already.
#include "passes/quantize/quantize_biases.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <vector>

#include "ops/attributes.h"
#include "passes/quantize/op_rules.h"
#include "passes/quantize/qdq_pair.h"
#include "passes/quantize/weight_codes.h"
#include "passes/rewriter.h"
#include "quant/affine.h"
#include "quant/choose_params.h"
#include "quant/target.h"

namespace mcompress {
namespace {

struct Unit {
    Node* node;
    int bias_input;
    Node* weight;  // the DequantizeLinear behind the weight
    float activation_scale;
    std::vector<float> bias;  // one value an output channel
};

std::int64_t weight_axis(const Node& dequantize, int rank) {
    const Attribute* axis = dequantize.attribute("axis");
    const std::int64_t given = axis ? std::get<std::int64_t>(axis->value) : 1;
    return given < 0 ? given + rank : given;
}

std::optional<Unit> unit_of(Node* node) {
    const OpRule& rule = find_op_rule(*node);
    if (rule.role != QuantizedRole::Compute || rule.bias_input < 0 || !node->input(rule.bias_input)) return std::nullopt;
    const std::optional<QdqPair> activation = pair_in_front_of(*node, 0);
    const Value* weight = node->input(rule.weight_input);
    const Tensor* bias = known_tensor(node->input(rule.bias_input));
    if (!activation || !bias || bias->dtype() != DType::Float32 || !weight || !weight->producer()) return std::nullopt;
    Node* dequantize = weight->producer();
    const std::optional<QuantParams> params = params_of(*activation->dequantize);
    if (!dequantize->is("DequantizeLinear") || !known_tensor(dequantize->input(0)) || !known_tensor(dequantize->input(1)) || !params)
        return std::nullopt;
    const std::int64_t channels = known_tensor(dequantize->input(1))->element_count();
    if (bias->element_count() != channels && bias->element_count() != 1 && channels != 1) return std::nullopt;
    check_finite(*bias, node->input(rule.bias_input)->name());
    const std::span<const float> values = bias->values<float>();
    return Unit{node, rule.bias_input, dequantize, params->scale, {values.begin(), values.end()}};
}

/// The smallest weight scale with which a bias still fits int32; infinite when no float is one.
float required_scale(float bias, float activation_scale) {
    constexpr double kLargest = std::numeric_limits<float>::max();
    const double bound = static_cast<double>(smallest_bias_scale(std::fabs(bias))) / static_cast<double>(activation_scale);
    const double rounded_up = bound * (1.0 + std::numeric_limits<float>::epsilon());
    return rounded_up <= kLargest ? static_cast<float>(rounded_up) : std::numeric_limits<float>::infinity();
}

bool fits_some_scale(const Unit& unit) {
    return std::ranges::all_of(unit.bias, [&](float bias) { return std::isfinite(required_scale(bias, unit.activation_scale)); });
}

Skip skip(const Unit& unit, std::string reason) { return {unit.node->display_name(), unit.node->op_type(), std::move(reason)}; }

class QuantizeBiases final : public Pass {
public:
    explicit QuantizeBiases(const QuantizationScheme& scheme) : target_(find_target(scheme.target)) {}
    std::string_view name() const override { return "quantize-biases"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        if (target_.bias != DType::Int32) return result;
        std::vector<Unit> units;
        for_each_node(graph, [&](Node& node) {
            std::optional<Unit> unit = unit_of(&node);
            if (!unit) return;
            if (fits_some_scale(*unit)) units.push_back(std::move(*unit));
            else result.skipped.push_back(skip(*unit, "its bias fits int32 at no scale that a float holds"));
        });
        // A weight may serve several units: its scales must suit all their biases before any bias is quantized.
        for (const Unit& unit : units) raise_weight_scales(unit, result);
        for (const Unit& unit : units) {
            if (quantize(unit)) ++result.rewrites;
            else result.skipped.push_back(skip(unit, "the scale of its bias is more than a float holds"));
        }
        return result;
    }

private:
    static void raise_weight_scales(const Unit& unit, PassResult& result) {
        const Tensor& scales = *known_tensor(unit.weight->input(1));
        std::vector<float> raised(scales.values<float>().begin(), scales.values<float>().end());
        int count = 0;
        for (std::size_t channel = 0; channel < std::max(unit.bias.size(), raised.size()); ++channel) {
            float& scale = raised[raised.size() == 1 ? 0 : channel];
            const float required = required_scale(unit.bias[unit.bias.size() == 1 ? 0 : channel], unit.activation_scale);
            if (scale >= required) continue;
            scale = required;
            ++count;
        }
        if (count == 0) return;
        requantize(unit.weight, raised);
        const std::string channels = count == 1 ? "one channel was" : format("{} channels were", count);
        result.skipped.push_back(skip(unit, "the weight scale of " + channels + " raised so that the bias fits int32"));
    }

    /// Rounds the codes of a dequantized weight again for greater scales; the codes stand for the float weight, which is gone by now.
    static void requantize(Node* weight, const std::vector<float>& scales) {
        const Tensor& old_codes = *known_tensor(weight->input(0));
        const Tensor& old_scales = *known_tensor(weight->input(1));
        const Shape& shape = old_codes.shape();
        const bool per_channel = old_scales.shape().rank() == 1;
        const ChannelLayout layout =
            ChannelLayout::of(shape, per_channel ? std::optional<int>(static_cast<int>(weight_axis(*weight, shape.rank()))) : std::nullopt);
        Tensor codes = Tensor::uninitialized(DType::Int8, shape);
        const std::int8_t* from = old_codes.data<std::int8_t>();
        std::int8_t* to = codes.mutable_data<std::int8_t>();
        const QuantRange range = symmetric_weight_range(DType::Int8);
        for (std::int64_t index = 0; index < shape.element_count(); ++index) {
            const std::size_t channel = layout.channel(index);
            const float real = dequantize_value(from[index], old_scales.data<float>()[channel], 0);
            to[index] = static_cast<std::int8_t>(quantize_value(real, scales[channel], 0, range));
        }
        const Shape scale_shape = old_scales.shape();
        weight->input(0)->graph().set_initializer(weight->input(0), std::move(codes));
        weight->input(1)->graph().set_initializer(weight->input(1), Tensor::from_values(scale_shape, scales));
    }

    /// False, and the bias left as it is, where its scale overflows.
    static bool quantize(const Unit& unit) {
        Graph& graph = unit.node->graph();
        const Tensor& weight_scales = *known_tensor(unit.weight->input(1));
        const std::span<const float> factors = weight_scales.values<float>();
        const std::size_t channels = std::max(unit.bias.size(), factors.size());
        std::vector<std::int32_t> codes(channels);
        std::vector<float> scales(factors.size());
        for (std::size_t index = 0; index < scales.size(); ++index) scales[index] = unit.activation_scale * factors[index];
        if (!std::ranges::all_of(scales, [](float scale) { return std::isfinite(scale); })) return false;
        for (std::size_t channel = 0; channel < channels; ++channel) {
            const double bias = static_cast<double>(unit.bias[unit.bias.size() == 1 ? 0 : channel]);
            // In double: the codes need more than the 24 bits of a float.
            codes[channel] =
                static_cast<std::int32_t>(std::nearbyint(bias / static_cast<double>(scales[scales.size() == 1 ? 0 : channel])));
        }
        Value* bias = unit.node->input(unit.bias_input);
        const Shape scale_shape = weight_scales.shape();
        const auto length = static_cast<std::int64_t>(channels);
        Node* dequantize =
            add_dequantized_constant(graph, bias->name(), Tensor::from_values(Shape{length}, codes),
                                     Tensor::from_values(scale_shape.rank() == 0 ? Shape{} : Shape{length}, scales), 0, unit.node);
        graph.set_input(unit.node, unit.bias_input, dequantize->output(0));
        erase_if_unused(bias);
        return true;
    }

    const Target& target_;
};

}  // namespace

std::unique_ptr<Pass> make_quantize_biases(const QuantizationScheme& scheme) { return std::make_unique<QuantizeBiases>(scheme); }

}  // namespace mcompress
