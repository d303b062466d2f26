// Conv and ConvTranspose in float, with what follows them.
#include <algorithm>

#include "engine/onednn/channel_affine.h"
#include "engine/onednn/operators.h"
#include "ops/attributes.h"
#include "ops/conv.h"

namespace mcompress::onednn {

namespace {

using dnnl::memory;

struct Geometry {
    Window window;
    std::int64_t group = 1;
    ConvolutionKind kind = ConvolutionKind::Direct;
};

Geometry geometry_of(const Node& node, const Shape& source, const Shape& weights) {
    if (node.is("ConvTranspose")) {
        const auto transposed = attrs<ConvTransposeAttrs>(node);
        return {transposed.geometry(source, weights), transposed.group, ConvolutionKind::Transposed};
    }
    const auto direct = attrs<ConvAttrs>(node);
    return {direct.geometry(source, weights), direct.group, ConvolutionKind::Direct};
}

struct Weights {
    Desc stored;    // the layout of the graph's tensor as oneDNN names the axes
    Shape logical;  // [G,] O, I, spatial …
};

/// ONNX stores [M, C/G, k…] for Conv and [C, M/G, k…] for ConvTranspose; oneDNN wants [G, M/G, C/G, k…].
Weights describe_weights(const Shape& weights, const Geometry& geometry) {
    std::vector<std::int64_t> dims(weights.dims().begin() + 2, weights.dims().end());
    const std::int64_t group = geometry.group, per_group = weights[0] / group, other = weights[1];
    const std::int64_t points = weights.product(2, weights.rank());
    const bool transposed = geometry.kind == ConvolutionKind::Transposed;
    Dims strides(dims.size(), 1);
    for (std::size_t axis = dims.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * dims[axis];
    const std::int64_t outer_stride = other * points, inner_stride = points;
    dims.insert(dims.begin(), {transposed ? other : per_group, transposed ? per_group : other});
    strides.insert(strides.begin(), {transposed ? inner_stride : outer_stride, transposed ? outer_stride : inner_stride});
    if (group > 1) {
        dims.insert(dims.begin(), group);
        strides.insert(strides.begin(), per_group * outer_stride);
    }
    const Shape logical{std::move(dims)};
    return {strided_desc(logical, memory::data_type::f32, strides), logical};
}

BufferId weights_form(PlanBuilder& builder, const Value* value, const Desc& stored, const Desc& wanted) {
    if (const Tensor* tensor = builder.known(value)) return builder.constant(*tensor, stored, wanted);
    const BufferId plain = builder.view(builder.plain_form(value), stored);
    if (stored == wanted) return plain;
    const BufferId made = builder.temporary(wanted);
    builder.add({"Reorder", "f32", 0}, make_reorder(builder.engine(), stored, wanted), {{DNNL_ARG_FROM, plain}, {DNNL_ARG_TO, made}});
    return made;
}

/// The bias of the node or of an Add behind it, as [channels].
BufferId bias_form(PlanBuilder& builder, const Value* value, std::int64_t channels) {
    const Desc flat = plain_desc(Shape{channels}, memory::data_type::f32);
    if (const Tensor* tensor = builder.known(value)) return builder.constant(*tensor, flat, flat);
    return builder.view(builder.plain_form(value), flat);
}

/// How the residual gets into the primitive. Needs spec.destination without `any`.
std::optional<Primitive> with_residual(PlanBuilder& builder, ConvolutionSpec& spec, const ChainOperands& parts, bool in_place) {
    spec.attributes.post_ops = parts.before;
    if (in_place) spec.attributes.post_ops.push_back(SumPostOp{});
    else spec.attributes.post_ops.push_back(BinaryPostOp{dnnl::algorithm::binary_add, spec.destination});
    spec.attributes.post_ops.insert(spec.attributes.post_ops.end(), parts.after.begin(), parts.after.end());
    try {
        Primitive made = make_convolution(builder.engine(), spec);
        if (!made.is_reference()) return made;
    } catch (const dnnl::error&) {  // no implementation takes these post-operations
    }
    return std::nullopt;
}

}  // namespace

Built build_convolution(PlanBuilder& builder, const Chain& chain, std::size_t links) {
    const Node& node = chain.head();
    const Value* source = node.input(0);
    const Value* kernel = node.input(1);
    const Value* output = chain.output(links);
    if (node.is("ConvTranspose") && build_patchwise_deconvolution(builder, chain, links) == Built::Yes) return Built::Yes;
    for (const Value* value : {source, kernel, static_cast<const Value*>(node.output(0))})
        if (!builder.is_dense(value, DType::Float32)) return Built::No;
    const Shape source_shape = builder.shape(source);
    if (source_shape.rank() < 3 || source_shape.rank() > 5 || !own_activation(node)) return Built::No;
    const ChainOperands parts = chain_operands(chain, links);
    const Geometry geometry = geometry_of(node, source_shape, builder.shape(kernel));
    const Weights weights = describe_weights(builder.shape(kernel), geometry);
    const Shape destination = builder.shape(node.output(0));
    const Value* bias = node.input(2) ? node.input(2) : parts.bias;

    ConvolutionSpec spec;
    spec.kind = geometry.kind;
    spec.grouped = geometry.group > 1;
    spec.source = any_desc(source_shape, builder.float_type());
    spec.weights = any_desc(weights.logical, builder.float_type());
    spec.destination = any_desc(destination, builder.float_type());
    const auto affine = parts.normalization ? channel_affine(builder.values(), *parts.normalization) : std::nullopt;
    if (bias || affine) spec.bias = plain_desc(Shape{destination[1]}, memory::data_type::f32);
    set_window(spec, geometry.window, source_shape);
    spec.attributes.post_ops = parts.before;
    Primitive primitive = make_convolution(builder.engine(), spec);
    if (primitive.is_reference()) return Built::No;

    BufferId residual = -1;
    bool in_place = false;
    if (parts.residual) {
        spec.destination = primitive.destination;
        if (!parts.before.empty() && builder.is_known(parts.residual)) return Built::No;
        // A convolution reads its source around every place it writes.
        in_place = builder.dies_here(parts.residual) && !builder.share_memory(parts.residual, source) &&
                   builder.is_writable(builder.any_form(parts.residual)) && parts.before.empty();
        auto made = with_residual(builder, spec, parts, in_place);
        const bool copies = !made && node.input_count() > 3;  // the sum of a FusedConv cannot be a step of its own
        if (copies) made = with_residual(builder, spec, parts, true);
        if (!made || made->destination != primitive.destination) return Built::No;
        primitive = std::move(*made);
        residual = builder.form(parts.residual, primitive.destination);
        if (copies) {
            const BufferId copy = builder.temporary(primitive.destination);
            builder.add({"Reorder", "", 0}, make_reorder(builder.engine(), primitive.destination, primitive.destination),
                        {{DNNL_ARG_FROM, residual}, {DNNL_ARG_TO, copy}});
            residual = copy;
            in_place = true;
        }
    }
    std::vector<Operand> operands{{DNNL_ARG_SRC, builder.form(source, primitive.source)}};
    if (affine) {
        const auto outputs = geometry.kind == ConvolutionKind::Direct ? OutputChannels::First : OutputChannels::SecondOfGroups;
        const Tensor scaled = scaled_channels(*builder.known(kernel), *affine, outputs, geometry.group);
        operands.push_back({DNNL_ARG_WEIGHTS, builder.constant(scaled, weights.stored, primitive.weights)});
        operands.push_back({DNNL_ARG_BIAS, builder.constant(scaled_bias(builder.known(bias), *affine), *spec.bias)});
    } else {
        operands.push_back({DNNL_ARG_WEIGHTS, weights_form(builder, kernel, weights.stored, primitive.weights)});
        if (bias) operands.push_back({DNNL_ARG_BIAS, bias_form(builder, bias, destination[1])});
    }
    if (residual >= 0 && !in_place)
        operands.push_back({DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(parts.before.size())) | DNNL_ARG_SRC_1, residual});
    const Desc layout = primitive.destination;
    operands.push_back({DNNL_ARG_DST, in_place ? builder.result_in(output, residual, layout) : builder.result(output, layout)});
    builder.add({chain_label(chain, links), chain_precision(builder, chain), builder.macs(node)}, std::move(primitive),
                std::move(operands));
    return Built::Yes;
}

}  // namespace mcompress::onednn
