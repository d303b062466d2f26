#include "passes/quantize/paired_product.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "ops/attributes.h"
#include "ops/matmul.h"
#include "passes/quantize/qdq_pair.h"
#include "passes/quantize/summation.h"

namespace mcompress {
namespace {

constexpr std::array<std::string_view, 4> kOpaque{"QLinearConv", "QLinearMatMul", "QGemm", "MatMulIntegerToFloat"};

bool is_byte(DType dtype) { return dtype == DType::UInt8 || dtype == DType::Int8; }

const Tensor* signed_codes(const Value* value) {
    const Tensor* codes = known_tensor(value);
    return codes && codes->dtype() == DType::Int8 && codes->element_count() > 0 ? codes : nullptr;
}

/// Scales of the sums of a product of dequantized codes; nothing when they are computed or lie along another axis.
std::optional<std::vector<float>> sum_scales(const Node& activation, const Node& weight, const Tensor& codes, int channel_axis,
                                             float factor) {
    const std::optional<QuantParams> params = params_of(activation);
    const Tensor* scales = known_tensor(weight.input(1));
    if (!params || !scales || scales->dtype() != DType::Float32) return std::nullopt;
    if (scales->element_count() > 1) {
        const Attribute* attribute = weight.attribute("axis");
        const std::optional<int> axis =
            normalize_axis(attribute ? std::get<std::int64_t>(attribute->value) : std::int64_t{1}, codes.shape().rank());
        if (axis != channel_axis || scales->element_count() != codes.shape()[channel_axis]) return std::nullopt;
    }
    std::vector<float> result;
    for (const float scale : scales->values<float>()) result.push_back(params->scale * scale * factor);
    return result;
}

std::optional<SummationOrder> summation(const Node& node, const Shape& weight) {
    if (node.is("Conv") && weight.rank() > 2) return conv_summation(node, weight);
    if (node.is("Gemm") && weight.rank() == 2) return gemm_summation(node, weight);
    if (node.is("MatMul") && weight.rank() > 1) return matmul_summation(node, weight);
    return std::nullopt;
}

/// Conv, Gemm and MatMul between DequantizeLinear nodes.
std::optional<PairedProduct> dequantized_product(const Node& node, std::string& why_not) {
    const Value *x = node.input(0), *w = node.input_count() > 1 ? node.input(1) : nullptr;
    if (!x || !w || !x->producer() || !w->producer()) return std::nullopt;
    const Node &activation = *x->producer(), &weight = *w->producer();
    if (!activation.is("DequantizeLinear") || !weight.is("DequantizeLinear")) return std::nullopt;
    const Tensor* codes = signed_codes(weight.input(0));
    Value* activation_codes = activation.input(0);
    if (!codes || !activation_codes || !is_byte(activation_codes->type().dtype)) return std::nullopt;
    const std::optional<SummationOrder> order = summation(node, codes->shape());
    if (!order || order->products == SummationOrder::Products::Single) return std::nullopt;
    const bool is_gemm = node.is("Gemm");
    if (is_gemm && attrs<GemmAttrs>(node).a != MatrixOrder::AsStored) {
        why_not = "its first operand is transposed";
        return std::nullopt;
    }
    std::optional<std::vector<float>> scales =
        sum_scales(activation, weight, *codes, order->channel_axis, is_gemm ? attrs<GemmAttrs>(node).alpha : 1.0F);
    if (!scales) {
        why_not = "its scales are computed, or lie along another axis than its channels";
        return std::nullopt;
    }
    return PairedProduct{codes, *order, activation_codes, activation.input(2), std::move(*scales)};
}

/// ConvInteger and MatMulInteger: the sums themselves.
std::optional<PairedProduct> integer_product(const Node& node) {
    const bool is_conv = node.is("ConvInteger");
    const Tensor* codes = is_conv || node.is("MatMulInteger") ? signed_codes(node.input(1)) : nullptr;
    if (!codes || !node.input(0) || codes->shape().rank() < 2) return std::nullopt;
    const std::optional<SummationOrder> order = is_conv ? conv_summation(node, codes->shape()) : matmul_summation(node, codes->shape());
    if (!order || order->products == SummationOrder::Products::Single) return std::nullopt;
    return PairedProduct{codes, *order, node.input(0), node.input(2), {}};
}

}  // namespace

std::optional<PairedProduct> paired_product(const Node& node, std::string* why_not) {
    std::string ignored;
    std::string& reason = why_not ? *why_not : ignored;
    reason.clear();
    if (std::find(kOpaque.begin(), kOpaque.end(), node.op_type()) != kOpaque.end()) {
        reason = "its sums lie inside of one operator";
        return std::nullopt;
    }
    if (!node.domain().empty()) return std::nullopt;
    if (std::optional<PairedProduct> product = integer_product(node)) return product;
    return dequantized_product(node, reason);
}

PairRisk pair_risk(const Tensor& codes, const SummationOrder& order, PairPacking packing) {
    const Shape& shape = codes.shape();
    const std::vector<CodePair> pairs = summed_pairs(shape, order, packing);
    const std::vector<std::int64_t> offsets = row_offsets(shape, order.channel_axis);
    const std::int64_t stride = shape.product(order.channel_axis + 1, shape.rank());
    PairRisk risk{.node = {}, .op = {}, .channels = shape[order.channel_axis]};
    for (std::int64_t row = 0; row < risk.channels; ++row) {
        const std::int8_t* at = codes.data<std::int8_t>() + row * stride;
        int worst = 0;
        for (const CodePair& pair : pairs)
            worst = std::max(worst, pair_magnitude(at[offsets[static_cast<std::size_t>(pair.first)]],
                                                   at[offsets[static_cast<std::size_t>(pair.second)]]));
        risk.at_risk += worst > pair_limit() ? 1 : 0;
        risk.worst_pair = std::max(risk.worst_pair, worst);
    }
    return risk;
}

std::vector<PairRisk> find_pair_risks(const Graph& graph, PairPacking packing) {
    std::vector<PairRisk> risks;
    for_each_graph(const_cast<Graph&>(graph), [&](Graph& each) {
        for (const Node* node : each.order()) {
            const std::optional<PairedProduct> product = paired_product(*node);
            if (!product) continue;
            PairRisk risk = pair_risk(*product->weight, product->order, packing);
            risk.node = node->display_name();
            risk.op = node->op_type();
            risks.push_back(std::move(risk));
        }
    });
    return risks;
}

}  // namespace mcompress
