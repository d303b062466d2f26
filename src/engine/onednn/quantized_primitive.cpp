// Integer convolutions and matrix products by oneDNN, with the float operators behind them.
#include <algorithm>
#include <cmath>

#include "engine/code_operators.h"
#include "engine/onednn/column.h"
#include "engine/onednn/int8_sum.h"
#include "engine/onednn/quantized_product.h"
#include "ops/attributes.h"

namespace mcompress::onednn {

namespace {

using dnnl::memory;
constexpr auto kFloat = memory::data_type::f32;

memory::data_type type_of(DType dtype) { return *data_type_of(dtype); }

AttributeSpec attributes_of(const Requantization& requantization, std::int32_t source_zero_point) {
    AttributeSpec attributes;
    attributes.scales = requantization.scales;
    attributes.scale_axis = 1;
    attributes.source_zero_point = source_zero_point;
    if (requantization.dtype == DType::Float32) return attributes;
    attributes.destination_zero_point = requantization.zero_point;
    if (requantization.slope != 1.0F)
        attributes.post_ops.push_back(EltwisePostOp{dnnl::algorithm::eltwise_relu, requantization.slope, 0.0F});
    const QuantRange whole = integer_range(requantization.dtype), range = requantization.range;
    if (range.min > whole.min || range.max < whole.max)
        attributes.post_ops.push_back(EltwisePostOp{dnnl::algorithm::eltwise_clip,
                                                    static_cast<float>(range.min - requantization.zero_point),
                                                    static_cast<float>(range.max - requantization.zero_point)});
    // oneDNN adds the zero point before it rounds: the sum has fewer bits behind the point, and ties go to another side when it is odd. The
    // definition, and ONNX Runtime, round first.
    if (requantization.zero_point != 0) attributes.post_ops.push_back(EltwisePostOp{dnnl::algorithm::eltwise_round});
    return attributes;
}

bool is_convolution(const QuantizedGroup& group) { return float_operator(*group.main) == "Conv"; }

/// What a step adds to the plain product, and where it writes.
struct Epilogue {
    StepLabel label;
    AttributeSpec attributes;
    Tensor bias;                        // one number an output, as the primitive wants it; undefined: none
    const Value* residual = nullptr;    // float, of the product's shape
    std::size_t residual_position = 0;  // among the post-operations
    Tensor number;                      // of a post-operation with one for all; undefined: none
    std::size_t number_position = 0;
    std::optional<QuantizedTensor> overwritten;  // added to, in its memory
    const Value* output = nullptr;
    Desc destination;
};

/// The primitive, and the layout in which the weights of signed_weights() lie before it chooses its own.
struct Made {
    Primitive primitive;
    Desc stored_weights;
    Desc source, destination;  // as the primitive sees them
};

void turn(ConvolutionSpec& spec, Shape& weights, Shape& source, Window& window) {
    const auto turn_layout = [](Desc& layout) { layout = channels_last_desc(turned(shape_of(layout)), element_type(layout)); };
    turn_layout(spec.source);
    turn_layout(spec.destination);
    for (PostOp& operation : spec.attributes.post_ops)
        if (auto* binary = std::get_if<BinaryPostOp>(&operation)) turn_layout(binary->other);
    weights = turned(weights);
    source = turned(source);
    window = turned(std::move(window));
}

Made make_convolution_step(PlanBuilder& builder, const ProductPlan& plan, const Epilogue& epilogue) {
    Shape weights = grouped_shape(plan.weight_shape, plan.convolution.groups), source = shape_of(plan.source);
    Window window = plan.window;
    ConvolutionSpec spec;
    spec.source = plan.source;
    spec.destination = epilogue.destination;
    spec.attributes = epilogue.attributes;
    if (is_column(window, source, shape_of(spec.destination))) turn(spec, weights, source, window);
    spec.weights = any_desc(weights, memory::data_type::s8);
    if (epilogue.bias.defined()) spec.bias = plain_desc(epilogue.bias.shape(), type_of(epilogue.bias.dtype()));
    spec.grouped = plan.convolution.groups > 1;
    set_window(spec, window, source);
    return {make_convolution(builder.engine(), spec), plain_desc(weights, memory::data_type::s8), spec.source, spec.destination};
}

Made make_product_step(PlanBuilder& builder, const ProductPlan& plan, int output_axis, const Epilogue& epilogue) {
    const IntegerConvolution& c = plan.convolution;
    ProductSpec spec;
    spec.source = plain_desc(Shape{c.width, c.channels}, type_of(c.source));
    spec.weights = any_desc(Shape{c.channels, c.out_channels}, memory::data_type::s8);
    spec.destination = plain_desc(Shape{c.width, c.out_channels}, element_type(epilogue.destination));
    if (epilogue.bias.defined()) spec.bias = plain_desc(Shape{1, c.out_channels}, type_of(epilogue.bias.dtype()));
    spec.attributes = epilogue.attributes;
    const Shape weights{c.channels, c.out_channels};
    const Desc stored =
        output_axis == 1 ? plain_desc(weights, memory::data_type::s8) : strided_desc(weights, memory::data_type::s8, {1, c.channels});
    return {make_matmul(builder.engine(), spec), stored, spec.source, spec.destination};
}

Desc one_number(const Desc& like) { return plain_desc(Shape(std::vector<std::int64_t>(shape_of(like).dims().size(), 1)), kFloat); }

/// Nothing when the memory to write over is not the plan's.
std::optional<BufferId> destination_of(PlanBuilder& builder, const Epilogue& epilogue) {
    if (!epilogue.overwritten) return builder.result(epilogue.output, epilogue.destination);
    const Desc wanted = with_type(epilogue.destination, type_of(epilogue.overwritten->params.dtype));
    const BufferId place = builder.form(epilogue.overwritten->codes, wanted);
    if (!builder.is_writable(place)) return std::nullopt;
    return builder.result_in(epilogue.output, place, epilogue.destination);
}

Built build_step(PlanBuilder& builder, const QuantizedGroup& group, const ProductPlan& plan, const Epilogue& epilogue) {
    const auto weights = signed_weights(group.weights, plan.output_axis, plan.weight_shape);
    if (!weights) return Built::No;
    Made made = is_convolution(group) ? make_convolution_step(builder, plan, epilogue)
                                      : make_product_step(builder, plan, weights->output_axis, epilogue);
    if (made.primitive.kernel.empty() || made.primitive.is_reference()) return Built::No;
    std::vector<Operand> operands{{DNNL_ARG_SRC, builder.view(product_source(builder, group, plan), made.source)}};
    operands.push_back({DNNL_ARG_WEIGHTS, builder.constant(weights->codes, made.stored_weights, made.primitive.weights)});
    if (epilogue.bias.defined()) {
        const Desc layout = is_convolution(group) ? plain_desc(epilogue.bias.shape(), type_of(epilogue.bias.dtype()))
                                                  : plain_desc(Shape{1, epilogue.bias.element_count()}, type_of(epilogue.bias.dtype()));
        operands.push_back({DNNL_ARG_BIAS, builder.constant(epilogue.bias, layout, layout)});
    }
    if (epilogue.residual) {
        const int argument = DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(epilogue.residual_position)) | DNNL_ARG_SRC_1;
        const BufferId residual = builder.form(epilogue.residual, with_type(epilogue.destination, kFloat));
        operands.push_back({argument, builder.view(residual, with_type(made.destination, kFloat))});
    }
    for (const auto& [argument, tensor] : runtime_arguments(epilogue.attributes))
        operands.push_back({argument, builder.constant(tensor, plain_desc(tensor.shape(), type_of(tensor.dtype())))});
    if (epilogue.number.defined()) {
        const int argument = DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(epilogue.number_position)) | DNNL_ARG_SRC_1;
        const Desc layout = one_number(made.destination);
        operands.push_back({argument, builder.constant(epilogue.number, layout, layout)});
    }
    const auto destination = destination_of(builder, epilogue);
    if (!destination) return Built::No;
    operands.push_back({DNNL_ARG_DST, builder.view(*destination, made.destination)});
    builder.add(epilogue.label, std::move(made.primitive), std::move(operands));
    return Built::Yes;
}

/// The bias of a chain: a constant behind the product, or the group's own.
std::optional<Tensor> chain_bias(const PlanBuilder& builder, const ProductPlan& plan, const ChainOperands& parts) {
    const std::vector<float>& scales = plan.convolution.requantization.scales;
    if (!parts.bias) return plan.convolution.bias.empty() ? Tensor{} : integer_bias(plan.convolution.bias, scales);
    const Tensor* constant = builder.known(parts.bias);
    const bool fits = constant && constant->dtype() == DType::Float32 && plan.convolution.bias.empty() &&
                      constant->element_count() == plan.convolution.out_channels;
    return fits ? real_bias({constant->data<float>(), scales.size()}, scales) : std::nullopt;
}

}  // namespace

Shape grouped_shape(const Shape& weights, std::int64_t groups) {
    if (groups == 1) return weights;
    std::vector<std::int64_t> dims = weights.dims();
    dims[0] /= groups;
    dims.insert(dims.begin(), groups);
    return Shape(std::move(dims));
}

std::optional<SignedWeights> signed_weights(const QuantizedWeights& weights, int output_axis, const Shape& by_output) {
    const bool are_signed =
        weights.codes->dtype() == DType::Int8 && std::ranges::all_of(weights.zero_points, [](auto zero) { return zero == 0; });
    if (are_signed) return SignedWeights{*weights.codes, output_axis};
    const std::vector<std::int16_t> widened = widened_weights(weights, output_axis);
    std::vector<std::int8_t> bytes(widened.size());
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        bytes[at] = static_cast<std::int8_t>(widened[at]);
        if (widened[at] != bytes[at]) return std::nullopt;
    }
    return SignedWeights{Tensor::from_values(by_output, bytes), 0};
}

bool has_byte_products() {
    const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa()), wanted = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_vnni);
    return (isa & wanted) == wanted;
}

Built build_integer_primitive(PlanBuilder& builder, const QuantizedGroup& group, const ProductPlan& plan) {
    const IntegerConvolution& c = plan.convolution;
    Epilogue epilogue;
    epilogue.label = {group_label(group), plan.precision(), builder.macs(*group.main)};
    epilogue.attributes = attributes_of(c.requantization, c.source_zero_point);
    if (!c.bias.empty()) epilogue.bias = integer_bias(c.bias, c.requantization.scales);
    epilogue.output = group.output;
    epilogue.destination = plan.destination;
    return build_step(builder, group, plan, epilogue);
}

Built build_product_into_sum(PlanBuilder& builder, const QuantizedGroup& group, const ProductPlan& plan, const QuantizedGroup& sum) {
    const Requantization& own = plan.convolution.requantization;
    const QuantizedTensor& other = sum.inputs[0];
    const QuantParams& result = *sum.output_params;
    const auto clamp = clamp_of(builder.values(), sum.activations, result);
    const QuantRange whole = integer_range(result.dtype);
    if (!clamp || clamp->slope != 1.0F || clamp->range.max != whole.max) return Built::No;
    const bool has_relu = clamp->range.min == 0 && whole.min < 0;
    if (!has_relu && clamp->range.min != whole.min) return Built::No;
    const Shape shape = builder.shape(sum.output);
    if (builder.shape(group.output) != shape || builder.shape(other.codes) != shape) return Built::No;
    // The product reads its source around every place it writes.
    if (!builder.dies_here(other.codes) || builder.share_memory(other.codes, group.inputs[0].codes)) return Built::No;

    const SumFactors factors = sum_factors(other.params, sum.inputs[1].params, result);
    if (!factors.are_finite()) return Built::No;
    Epilogue epilogue;
    epilogue.attributes.scales = own.scales;
    epilogue.attributes.source_zero_point = plan.convolution.source_zero_point;
    std::vector<PostOp>& post_ops = epilogue.attributes.post_ops;
    if (own.slope != 1.0F) post_ops.push_back(EltwisePostOp{dnnl::algorithm::eltwise_relu, own.slope, 0.0F});
    // The product's codes, as whole numbers in float ...
    post_ops.push_back(EltwisePostOp{dnnl::algorithm::eltwise_round});
    post_ops.push_back(EltwisePostOp{dnnl::algorithm::eltwise_clip, static_cast<float>(own.range.min - own.zero_point),
                                     static_cast<float>(own.range.max - own.zero_point)});
    if (own.zero_point != 0) {
        epilogue.number = Tensor::scalar(static_cast<float>(own.zero_point));
        epilogue.number_position = post_ops.size();
        post_ops.push_back(BinaryPostOp{dnnl::algorithm::binary_add, one_number(plan.destination)});
    }
    // ... and the formula, each product with its sum in one rounding.
    post_ops.push_back(EltwisePostOp{dnnl::algorithm::eltwise_linear, factors.b, factors.offset});
    post_ops.push_back(SumPostOp{factors.a, type_of(other.params.dtype)});
    if (has_relu) post_ops.push_back(EltwisePostOp{dnnl::algorithm::eltwise_relu});
    if (!plan.convolution.bias.empty()) epilogue.bias = integer_bias(plan.convolution.bias, own.scales);
    epilogue.overwritten = other;
    epilogue.output = sum.output;
    epilogue.destination = with_type(plan.destination, type_of(result.dtype));
    epilogue.label = {group_label(group) + "+" + group_label(sum), code_name(plan.convolution.source) + "s8→" + code_name(result.dtype),
                      builder.macs(*group.main)};
    return build_step(builder, group, plan, epilogue);
}

Built build_quantized_chain(PlanBuilder& builder, const QuantizedGroup& group, const ProductPlan& plan, const Chain& chain,
                            std::size_t links) {
    const ChainOperands parts = chain_operands(chain, links);
    const auto bias = chain_bias(builder, plan, parts);
    if (!bias) return Built::No;
    Epilogue epilogue;
    epilogue.bias = *bias;
    epilogue.output = chain.output(links);
    epilogue.destination = plan.destination;
    epilogue.attributes = attributes_of(plan.convolution.requantization, plan.convolution.source_zero_point);
    std::vector<PostOp>& post_ops = epilogue.attributes.post_ops;
    post_ops = parts.before;
    if (parts.residual) {
        epilogue.residual = parts.residual;
        epilogue.residual_position = post_ops.size();
        const bool is_product = !is_convolution(group);
        post_ops.push_back(
            BinaryPostOp{dnnl::algorithm::binary_add,
                         is_product ? plain_desc(Shape{plan.convolution.width, plan.convolution.out_channels}, kFloat) : plan.destination});
    }
    post_ops.insert(post_ops.end(), parts.after.begin(), parts.after.end());
    std::string precision = plan.precision();
    if (chain.links[links - 1].kind == ChainLink::Kind::Quantize) {
        const QuantParams params = *tensor_params(builder.values(), *chain.links[links - 1].nodes[0]);
        append(post_ops, EltwisePostOp{dnnl::algorithm::eltwise_linear, 1.0F / params.scale, 0.0F});
        if (params.zero_point != 0) post_ops.push_back(EltwisePostOp{dnnl::algorithm::eltwise_round});
        epilogue.attributes.destination_zero_point = params.zero_point;
        epilogue.destination = with_type(plan.destination, type_of(params.dtype));
        precision = code_name(plan.convolution.source) + "s8→" + code_name(params.dtype);
    }
    epilogue.label = {chain_label(chain, links), std::move(precision), builder.macs(*group.main)};
    return build_step(builder, group, plan, epilogue);
}

}  // namespace mcompress::onednn
