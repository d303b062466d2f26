// Conv and ConvTranspose in float, with what follows them.
#include <algorithm>

#include "engine/onednn/channel_affine.h"
#include "engine/onednn/channel_multiplier.h"
#include "engine/onednn/column.h"
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

class Convolution {
public:
    Convolution(PlanBuilder& builder, const Chain& chain, std::size_t links)
        : builder_(builder), chain_(chain), links_(links), node_(chain.head()), parts_(chain_operands(chain, links)) {}

    Built build() {
        for (const Value* value : {node_.input(0), node_.input(1), node_.output(0)})
            if (!builder_.is_dense(value, DType::Float32)) return Built::No;
        source_ = builder_.shape(node_.input(0));
        if (source_.rank() < 3 || source_.rank() > 5 || !own_activation(node_)) return Built::No;
        geometry_ = geometry_of(node_, source_, builder_.shape(node_.input(1)));
        destination_ = builder_.shape(node_.output(0));
        bias_ = node_.input(2) ? node_.input(2) : parts_.bias;
        if (parts_.normalization) affine_ = channel_affine(builder_.values(), *parts_.normalization);
        describe();
        primitive_ = make_convolution(builder_.engine(), spec_);
        if (primitive_.is_reference() || (parts_.residual && !take_residual())) return Built::No;
        add();
        return Built::Yes;
    }

private:
    void describe() {
        Shape weights = builder_.shape(node_.input(1)), source = source_, destination = destination_;
        is_turned_ = geometry_.kind == ConvolutionKind::Direct && !parts_.residual && is_column(geometry_.window, source_, destination_);
        if (is_turned_) {
            for (Shape* shape : {&weights, &source, &destination}) *shape = turned(*shape);
            geometry_.window = turned(std::move(geometry_.window));
        }
        if (geometry_.kind == ConvolutionKind::Direct) repeats_ = channel_multiplier(source[1], destination[1], geometry_.group);
        if (repeats_ > 1) {
            source = with_channels(source, destination[1]);
            geometry_.group = destination[1];
        }
        const auto type = builder_.float_type();
        weights_ = describe_weights(weights, geometry_);
        spec_.kind = geometry_.kind;
        spec_.grouped = geometry_.group > 1;
        // Channels last is the same memory whichever way the points run.
        spec_.source = is_turned_ || repeats_ > 1 ? channels_last_desc(source, type) : any_desc(source, type);
        spec_.weights = any_desc(weights_.logical, type);
        spec_.destination = is_turned_ ? channels_last_desc(destination, type) : any_desc(destination, type);
        if (bias_ || affine_) spec_.bias = plain_desc(Shape{destination[1]}, memory::data_type::f32);
        set_window(spec_, geometry_.window, source);
        spec_.attributes.post_ops = parts_.before;
    }

    bool take_residual() {
        spec_.destination = primitive_.destination;
        if (!parts_.before.empty() && builder_.is_known(parts_.residual)) return false;
        // A convolution reads its source around every place it writes.
        in_place_ = builder_.dies_here(parts_.residual) && !builder_.share_memory(parts_.residual, node_.input(0)) &&
                    builder_.is_writable(builder_.any_form(parts_.residual)) && parts_.before.empty();
        auto made = with_residual(builder_, spec_, parts_, in_place_);
        const bool copies = !made && node_.input_count() > 3;  // the sum of a FusedConv cannot be a step of its own
        if (copies) made = with_residual(builder_, spec_, parts_, true);
        if (!made || made->destination != primitive_.destination) return false;
        primitive_ = std::move(*made);
        residual_ = builder_.form(parts_.residual, primitive_.destination);
        if (!copies) return true;
        const BufferId copy = builder_.temporary(primitive_.destination);
        builder_.add({"Reorder", "", 0}, make_reorder(builder_.engine(), primitive_.destination, primitive_.destination),
                     {{DNNL_ARG_FROM, residual_}, {DNNL_ARG_TO, copy}});
        residual_ = copy;
        in_place_ = true;
        return true;
    }

    BufferId source_form() {
        const auto type = builder_.float_type();
        if (repeats_ > 1) return builder_.view(repeated_channels(builder_, node_.input(0), type, repeats_), primitive_.source);
        if (!is_turned_) return builder_.form(node_.input(0), primitive_.source);
        return builder_.view(builder_.form(node_.input(0), channels_last_desc(source_, type)), primitive_.source);
    }

    BufferId destination_form() {
        const Value* output = chain_.output(links_);
        if (in_place_) return builder_.result_in(output, residual_, primitive_.destination);
        if (!is_turned_) return builder_.result(output, primitive_.destination);
        return builder_.view(builder_.result(output, channels_last_desc(destination_, builder_.float_type())), primitive_.destination);
    }

    void add() {
        std::vector<Operand> operands{{DNNL_ARG_SRC, source_form()}};
        const Value* kernel = node_.input(1);
        if (affine_) {
            const auto outputs = geometry_.kind == ConvolutionKind::Direct ? OutputChannels::First : OutputChannels::SecondOfGroups;
            const Tensor scaled = scaled_channels(*builder_.known(kernel), *affine_, outputs, geometry_.group);
            operands.push_back({DNNL_ARG_WEIGHTS, builder_.constant(scaled, weights_.stored, primitive_.weights)});
            operands.push_back({DNNL_ARG_BIAS, builder_.constant(scaled_bias(builder_.known(bias_), *affine_), *spec_.bias)});
        } else {
            operands.push_back({DNNL_ARG_WEIGHTS, weights_form(builder_, kernel, weights_.stored, primitive_.weights)});
            if (bias_) operands.push_back({DNNL_ARG_BIAS, bias_form(builder_, bias_, destination_[1])});
        }
        if (residual_ >= 0 && !in_place_)
            operands.push_back({DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(parts_.before.size())) | DNNL_ARG_SRC_1, residual_});
        operands.push_back({DNNL_ARG_DST, destination_form()});
        builder_.add({chain_label(chain_, links_), chain_precision(builder_, chain_), builder_.macs(node_)}, std::move(primitive_),
                     std::move(operands));
    }

    PlanBuilder& builder_;
    const Chain& chain_;
    std::size_t links_;
    const Node& node_;
    ChainOperands parts_;
    Shape source_, destination_;
    Geometry geometry_;
    const Value* bias_ = nullptr;
    std::optional<ChannelAffine> affine_;
    bool is_turned_ = false;
    std::int64_t repeats_ = 1;  // of every channel of the source
    Weights weights_;
    ConvolutionSpec spec_;
    Primitive primitive_;
    BufferId residual_ = -1;
    bool in_place_ = false;
};

}  // namespace

Built build_convolution(PlanBuilder& builder, const Chain& chain, std::size_t links) {
    if (chain.head().is("ConvTranspose") && build_patchwise_deconvolution(builder, chain, links) == Built::Yes) return Built::Yes;
    return Convolution(builder, chain, links).build();
}

}  // namespace mcompress::onednn
