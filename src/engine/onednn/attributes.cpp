#include "engine/onednn/attributes.h"

#include <cmath>

namespace mcompress::onednn {

namespace {

#if DNNL_VERSION_MAJOR < 3
void refuse_second_parameters(const std::vector<PostOp>& post_ops) {
    std::vector<const EltwisePostOp*> seen;
    for (const PostOp& op : post_ops) {
        const auto* eltwise = std::get_if<EltwisePostOp>(&op);
        if (!eltwise) continue;
        for (const EltwisePostOp* other : seen)
            if (other->algorithm == eltwise->algorithm && (other->alpha != eltwise->alpha || other->beta != eltwise->beta))
                throw dnnl::error(dnnl_unimplemented, "two element-wise operations of one algorithm");
        seen.push_back(eltwise);
    }
}
#endif

dnnl::post_ops make_post_ops(const std::vector<PostOp>& post_ops) {
#if DNNL_VERSION_MAJOR < 3
    refuse_second_parameters(post_ops);
#endif
    dnnl::post_ops made;
    for (const PostOp& op : post_ops) {
        if (const auto* eltwise = std::get_if<EltwisePostOp>(&op)) {
#if DNNL_VERSION_MAJOR >= 3
            made.append_eltwise(eltwise->algorithm, eltwise->alpha, eltwise->beta);
#else
            made.append_eltwise(1.0F, eltwise->algorithm, eltwise->alpha, eltwise->beta);
#endif
        } else if (const auto* sum = std::get_if<SumPostOp>(&op)) {
            made.append_sum(sum->scale, 0, sum->type);
        } else {
            const auto& binary = std::get<BinaryPostOp>(op);
            made.append_binary(binary.algorithm, binary.other);
        }
    }
    return made;
}

}  // namespace

void append(std::vector<PostOp>& post_ops, const EltwisePostOp& operation) {
    constexpr auto kLinear = dnnl::algorithm::eltwise_linear;
    auto* last = post_ops.empty() ? nullptr : std::get_if<EltwisePostOp>(&post_ops.back());
    if (!last || last->algorithm != kLinear || operation.algorithm != kLinear) return post_ops.push_back(operation);
    last->beta = operation.alpha * last->beta + operation.beta;
    last->alpha *= operation.alpha;
}

dnnl::primitive_attr make_attributes(const AttributeSpec& spec, int weight_scale_mask) {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    if (!spec.post_ops.empty()) attributes.set_post_ops(make_post_ops(spec.post_ops));
#if DNNL_VERSION_MAJOR >= 3
    if (!spec.scales.empty()) attributes.set_scales_mask(DNNL_ARG_WEIGHTS, spec.scales.size() > 1 ? weight_scale_mask : 0);
    if (spec.source_zero_point != 0 || spec.source_zero_point_given == SourceZeroPoint::AtRun)
        attributes.set_zero_points_mask(DNNL_ARG_SRC, 0);
    if (spec.destination_zero_point != 0) attributes.set_zero_points_mask(DNNL_ARG_DST, 0);
#else
    (void)weight_scale_mask;
    if (!spec.scales.empty()) attributes.set_output_scales(spec.scales.size() > 1 ? 1 << spec.scale_axis : 0, spec.scales);
    if (spec.source_zero_point_given == SourceZeroPoint::AtRun) attributes.set_zero_points(DNNL_ARG_SRC, 0, {DNNL_RUNTIME_S32_VAL});
    else if (spec.source_zero_point != 0) attributes.set_zero_points(DNNL_ARG_SRC, 0, {spec.source_zero_point});
    if (spec.destination_zero_point != 0) attributes.set_zero_points(DNNL_ARG_DST, 0, {spec.destination_zero_point});
#endif
    return attributes;
}

#if DNNL_VERSION_MAJOR >= 3

Tensor integer_bias(const std::vector<std::int32_t>& bias, const std::vector<float>& scales) {
    std::vector<float> real(bias.size());
    for (std::size_t channel = 0; channel < bias.size(); ++channel)
        real[channel] = static_cast<float>(bias[channel]) * scales[scales.size() > 1 ? channel : 0];
    return Tensor::from_values(Shape{static_cast<std::int64_t>(bias.size())}, real);
}

std::optional<Tensor> real_bias(std::span<const float> bias, const std::vector<float>&) {
    return Tensor::from_values(Shape{static_cast<std::int64_t>(bias.size())}, bias);
}

std::vector<std::pair<int, Tensor>> runtime_arguments(const AttributeSpec& spec) {
    std::vector<std::pair<int, Tensor>> arguments;
    if (!spec.scales.empty())
        arguments.emplace_back(DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS,
                               Tensor::from_values(Shape{static_cast<std::int64_t>(spec.scales.size())}, spec.scales));
    const auto add_zero_point = [&](int argument, std::int32_t zero_point) {
        if (zero_point != 0) arguments.emplace_back(DNNL_ARG_ATTR_ZERO_POINTS | argument, Tensor::from_values(Shape{1}, {zero_point}));
    };
    add_zero_point(DNNL_ARG_SRC, spec.source_zero_point);
    add_zero_point(DNNL_ARG_DST, spec.destination_zero_point);
    return arguments;
}

EltwisePostOp hard_swish() { return {dnnl::algorithm::eltwise_hardswish, 1.0F / 6.0F, 0.5F}; }

#else

Tensor integer_bias(const std::vector<std::int32_t>& bias, const std::vector<float>&) {
    return Tensor::from_values(Shape{static_cast<std::int64_t>(bias.size())}, bias);
}

std::optional<Tensor> real_bias(std::span<const float> bias, const std::vector<float>& scales) {
    std::vector<float> scaled(bias.size());
    for (std::size_t channel = 0; channel < bias.size(); ++channel) {
        scaled[channel] = bias[channel] / scales[scales.size() > 1 ? channel : 0];
        if (!std::isfinite(scaled[channel])) return std::nullopt;
    }
    return Tensor::from_values(Shape{static_cast<std::int64_t>(bias.size())}, scaled);
}

std::vector<std::pair<int, Tensor>> runtime_arguments(const AttributeSpec&) { return {}; }

EltwisePostOp hard_swish() { return {dnnl::algorithm::eltwise_hardswish, 0.0F, 0.0F}; }

#endif

}  // namespace mcompress::onednn
