// Conv, Gemm and MatMul on 8-bit codes with int32 sums.
#include <algorithm>
#include <cmath>

#include "engine/code_operators.h"
#include "engine/onednn/channel_multiplier.h"
#include "engine/onednn/quantized_product.h"
#include "ops/attributes.h"
#include "ops/conv.h"
#include "ops/matmul.h"

namespace mcompress::onednn {

namespace {

/// One scale an output; nothing when the parameters are not given one an output or one for all.
std::optional<std::vector<float>> output_scales(const QuantizedWeights& weights, int output_axis) {
    const auto count = static_cast<std::size_t>(weights.codes->shape()[output_axis]);
    if (weights.scales.size() > 1 && (weights.axis != output_axis || weights.scales.size() != count)) return std::nullopt;
    if (weights.zero_points.size() > 1 && weights.zero_points.size() != count) return std::nullopt;
    std::vector<float> scales = weights.scales;
    scales.resize(count, weights.scales[0]);
    return scales;
}

/// The bias in units of source scale * weight scale: the stored codes where they are in these units, else the nearest integers.
std::optional<std::vector<std::int32_t>> read_bias(const PlanBuilder& builder, const QuantizedGroup& group,
                                                   const std::vector<float>& weight_scales) {
    if (!group.bias && !group.bias_codes) return std::vector<std::int32_t>{};
    if (!group.bias) {
        const auto codes = group.bias_codes->values<std::int32_t>();
        return codes.size() == weight_scales.size() ? std::optional(std::vector<std::int32_t>(codes.begin(), codes.end())) : std::nullopt;
    }
    const Tensor& real = *builder.known(group.bias);
    if (real.element_count() != static_cast<std::int64_t>(weight_scales.size())) return std::nullopt;
    std::vector<std::int32_t> bias(weight_scales.size());
    for (std::size_t channel = 0; channel < bias.size(); ++channel) {
        const double unit = static_cast<double>(group.inputs[0].params.scale) * static_cast<double>(weight_scales[channel]);
        const double exact = static_cast<double>(real.data<float>()[channel]) / unit;
        if (!(std::abs(exact) < 1073741824.0)) return std::nullopt;
        bias[channel] = static_cast<std::int32_t>(std::nearbyint(exact));
        if (!group.bias_codes) continue;
        const double stored_unit = static_cast<double>(group.bias_scales[group.bias_scales.size() > 1 ? channel : 0]);
        if (std::abs(stored_unit / unit - 1.0) < 1e-5) bias[channel] = group.bias_codes->data<std::int32_t>()[channel];
    }
    return bias;
}

/// Scales, bias and range. False when the group cannot be expressed in integers.
bool set_arithmetic(const PlanBuilder& builder, const QuantizedGroup& group, const std::vector<float>& weight_scales,
                    IntegerConvolution& convolution) {
    const QuantParams& source = group.inputs[0].params;
    convolution.source = source.dtype;
    convolution.source_zero_point = source.zero_point;
    auto bias = read_bias(builder, group, weight_scales);
    if (!bias) return false;
    convolution.bias = std::move(*bias);
    Requantization& requantization = convolution.requantization;
    for (const float scale : weight_scales) {
        const float unit = source.scale * scale;
        requantization.scales.push_back(group.output_params ? unit / group.output_params->scale : unit);
        if (!std::isfinite(requantization.scales.back())) return false;
    }
    requantization.dtype = DType::Float32;
    if (!group.output_params) return group.activations.empty();
    const auto clamp = clamp_of(builder.values(), group.activations, *group.output_params);
    if (!clamp) return false;
    requantization.dtype = group.output_params->dtype;
    requantization.zero_point = group.output_params->zero_point;
    requantization.range = clamp->range;
    requantization.slope = clamp->slope;
    return true;
}

std::optional<ProductPlan> plan_convolution(const PlanBuilder& builder, const QuantizedGroup& group) {
    const Node& node = *group.main;
    const Shape source = builder.shape(group.inputs[0].codes), destination = builder.shape(node.output(0));
    if (source.rank() != 3 && source.rank() != 4) return std::nullopt;
    const auto attributes = attrs<ConvAttrs>(node);
    ProductPlan plan;
    plan.weight_shape = group.weights.codes->shape();
    plan.window = attributes.geometry(source, plan.weight_shape);
    const auto scales = output_scales(group.weights, 0);
    IntegerConvolution& c = plan.convolution;
    if (!scales || !set_arithmetic(builder, group, *scales, c)) return std::nullopt;
    plan.repeats = channel_multiplier(source[1], destination[1], attributes.group);
    c.batch = source[0];
    c.channels = source[1] * plan.repeats;
    c.out_channels = destination[1];
    c.groups = attributes.group * plan.repeats;
    const int last = source.rank() - 1;
    const WindowAxis& x = plan.window.back();
    c.width = source[last];
    c.out_width = destination[last];
    c.kernel_width = x.kernel;
    c.stride_x = x.stride;
    c.dilation_x = x.dilation;
    c.pad_left = x.pad_begin;
    if (source.rank() == 4) {
        const WindowAxis& y = plan.window.front();
        c.height = source[2];
        c.out_height = destination[2];
        c.kernel_height = y.kernel;
        c.stride_y = y.stride;
        c.dilation_y = y.dilation;
        c.pad_top = y.pad_begin;
    }
    plan.source = channels_last_desc(with_channels(source, c.channels), *data_type_of(c.source));
    plan.destination = channels_last_desc(destination, *data_type_of(c.requantization.dtype));
    return plan;
}

std::optional<ProductPlan> plan_product(const PlanBuilder& builder, const QuantizedGroup& group) {
    const Node& node = *group.main;
    const Shape source = builder.shape(group.inputs[0].codes), destination = builder.shape(node.output(0));
    const Shape& stored = group.weights.codes->shape();
    if (stored.rank() != 2 || source.rank() < 1) return std::nullopt;
    int output_axis = 1;
    if (float_operator(node) == "Gemm") {
        const auto gemm = attrs<GemmAttrs>(node);
        if (gemm.alpha != 1.0F || gemm.beta != 1.0F || gemm.a == MatrixOrder::Transposed) return std::nullopt;
        if (gemm.b == MatrixOrder::Transposed) output_axis = 0;
    }
    const auto scales = output_scales(group.weights, output_axis);
    ProductPlan plan;
    plan.output_axis = output_axis;
    IntegerConvolution& c = plan.convolution;
    if (!scales || !set_arithmetic(builder, group, *scales, c)) return std::nullopt;
    c.channels = stored[1 - output_axis];
    c.out_channels = stored[output_axis];
    c.width = c.out_width = source.element_count() / c.channels;
    plan.weight_shape = Shape{c.out_channels, c.channels};
    plan.source = plain_desc(source, *data_type_of(c.source));
    plan.destination = plain_desc(destination, *data_type_of(c.requantization.dtype));
    return plan;
}

}  // namespace

std::vector<std::int16_t> widened_weights(const QuantizedWeights& weights, int output_axis) {
    const Shape& shape = weights.codes->shape();
    const std::int64_t outputs = shape[output_axis], inner = shape.element_count() / outputs;
    std::vector<std::int16_t> values(static_cast<std::size_t>(shape.element_count()));
    const auto copy = [&](const auto* codes) {
        for (std::int64_t output = 0; output < outputs; ++output) {
            const auto channel = static_cast<std::size_t>(output);
            const std::int32_t zero = weights.zero_points.empty() ? 0 : weights.zero_points[weights.zero_points.size() > 1 ? channel : 0];
            for (std::int64_t at = 0; at < inner; ++at) {
                const std::int64_t from = output_axis == 0 ? output * inner + at : at * outputs + output;
                values[static_cast<std::size_t>(output * inner + at)] = static_cast<std::int16_t>(codes[from] - zero);
            }
        }
    };
    if (weights.codes->dtype() == DType::UInt8) copy(weights.codes->data<std::uint8_t>());
    else copy(weights.codes->data<std::int8_t>());
    return values;
}

BufferId product_source(PlanBuilder& builder, const QuantizedGroup& group, const ProductPlan& plan) {
    const Value* codes = group.inputs[0].codes;
    if (plan.repeats > 1) return repeated_channels(builder, codes, element_type(plan.source), plan.repeats);
    return builder.form(codes, plan.source);
}

std::string ProductPlan::precision() const { return code_name(convolution.source) + "s8→" + code_name(convolution.requantization.dtype); }

std::optional<ProductPlan> plan_quantized_product(const PlanBuilder& builder, const QuantizedGroup& group) {
    return float_operator(*group.main) == "Conv" ? plan_convolution(builder, group) : plan_product(builder, group);
}

Built build_quantized_product(PlanBuilder& builder, const QuantizedGroup& group) {
    auto plan = plan_quantized_product(builder, group);
    if (!plan) return Built::No;
    if (has_byte_products() && attempt([&] { return build_integer_primitive(builder, group, *plan); }) == Built::Yes) return Built::Yes;
    const StepLabel label{group_label(group), plan->precision(), builder.macs(*group.main)};
    const BufferId source = product_source(builder, group, *plan);
    const BufferId destination = builder.result(group.output, plan->destination);
    const auto packed =
        std::make_shared<const PackedConvolution>(std::move(plan->convolution), widened_weights(group.weights, plan->output_axis));
    builder.add_native(label, integer_kernel_name(),
                       [packed](std::span<std::byte* const> at, int threads) { packed->run(at[0], at[1], threads); },
                       {source, destination});
    return Built::Yes;
}

}  // namespace mcompress::onednn
