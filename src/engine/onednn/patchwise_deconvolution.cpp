// ConvTranspose whose kernel is as large as its stride: every input point writes a patch of its own, so it is one matrix product over the points and a
// rearrangement of the patches. oneDNN's deconvolution runs at a tenth of that speed on such shapes.
#include "engine/onednn/channel_affine.h"
#include "engine/onednn/operators.h"
#include "engine/reference/strided.h"
#include "ops/attributes.h"
#include "ops/conv.h"

namespace mcompress::onednn {

namespace {

constexpr auto kFloat = dnnl::memory::data_type::f32;

struct Patches {
    std::int64_t batch, inputs, height, width, outputs, patch_height, patch_width;
    std::int64_t points() const { return batch * height * width; }
    std::int64_t columns() const { return patch_height * patch_width * outputs; }
};

std::optional<Patches> patches_of(const Node& node, const Shape& source, const Shape& weights) {
    const auto attributes = attrs<ConvTransposeAttrs>(node);
    if (attributes.group != 1 || source.rank() < 3 || source.rank() > 4) return std::nullopt;
    const Window window = attributes.geometry(source, weights);
    for (std::size_t at = 0; at < window.size(); ++at) {
        const WindowAxis& axis = window[at];
        const bool is_patchwise = axis.kernel == axis.stride && axis.dilation == 1 && axis.pad_begin == 0 && axis.pad_end == 0 &&
                                  axis.output == source[static_cast<int>(at) + 2] * axis.stride;
        if (!is_patchwise) return std::nullopt;
    }
    const bool is_flat = source.rank() == 3;
    return Patches{
        source[0],           source[1], is_flat ? 1 : source[2], source[source.rank() - 1], weights[1], is_flat ? 1 : window[0].kernel,
        window.back().kernel};
}

/// [C, M, kh, kw] as [C, kh * kw * M].
Tensor columns_of(const Tensor& weights, const Patches& p) {
    Tensor result = Tensor::uninitialized(DType::Float32, Shape{p.inputs, p.columns()});
    const std::int64_t points = p.patch_height * p.patch_width;
    reference::copy_strided(result.mutable_data<float>(), weights.data<float>(), Shape{p.inputs, points, p.outputs},
                            {p.columns(), 1, points});
    return result;
}

Tensor repeated(const Tensor& bias, const Patches& p) {
    std::vector<float> values;
    for (std::int64_t point = 0; point < p.patch_height * p.patch_width; ++point)
        values.insert(values.end(), bias.data<float>(), bias.data<float>() + p.outputs);
    return Tensor::from_values(Shape{1, p.columns()}, values);
}

}  // namespace

Built build_patchwise_deconvolution(PlanBuilder& builder, const Chain& chain, std::size_t links) {
    const Node& node = chain.head();
    const Value* output = chain.output(links);
    for (const Value* value : {node.input(0), node.input(1), node.output(0)})
        if (!builder.is_dense(value, DType::Float32)) return Built::No;
    const ChainOperands parts = chain_operands(chain, links);
    const Value* bias = node.input(2) ? node.input(2) : parts.bias;
    if (!builder.is_known(node.input(1)) || (bias && !builder.is_known(bias)) || parts.residual) return Built::No;
    const Shape source = builder.shape(node.input(0));
    const auto patches = patches_of(node, source, builder.shape(node.input(1)));
    if (!patches) return Built::No;
    const Patches p = *patches;
    Tensor weights = *builder.known(node.input(1)), offsets = bias ? *builder.known(bias) : Tensor();
    if (parts.normalization) {
        const auto affine = channel_affine(builder.values(), *parts.normalization);
        weights = scaled_channels(weights, *affine, OutputChannels::SecondOfGroups, 1);
        offsets = scaled_bias(bias ? &offsets : nullptr, *affine);
    }

    const auto type = builder.float_type();
    const Desc stored = plain_desc(Shape{p.inputs, p.columns()}, kFloat), shift = plain_desc(Shape{1, p.columns()}, kFloat);
    ProductSpec spec;
    spec.source = plain_desc(Shape{p.points(), p.inputs}, type);
    spec.weights = any_desc(Shape{p.inputs, p.columns()}, type);
    spec.destination = plain_desc(Shape{p.points(), p.columns()}, type);
    if (offsets.defined()) spec.bias = shift;
    spec.attributes.post_ops = parts.before;
    Primitive primitive = make_matmul(builder.engine(), spec);
    if (primitive.is_reference()) return Built::No;

    std::vector<Operand> operands{{DNNL_ARG_SRC, builder.view(builder.form(node.input(0), channels_last_desc(source, type)), spec.source)},
                                  {DNNL_ARG_WEIGHTS, builder.constant(columns_of(weights, p), stored, primitive.weights)}};
    if (offsets.defined()) operands.push_back({DNNL_ARG_BIAS, builder.constant(repeated(offsets, p), shift)});
    const Desc layout = channels_last_desc(builder.shape(output), type);
    const StepLabel label{chain_label(chain, links), chain_precision(builder, chain), builder.macs(node)};
    if (p.patch_height == 1) {  // the patches lie as they should
        operands.push_back({DNNL_ARG_DST, builder.view(builder.result(output, layout), spec.destination)});
        builder.add(label, std::move(primitive), std::move(operands));
        return Built::Yes;
    }
    const BufferId product = builder.temporary(spec.destination);
    operands.push_back({DNNL_ARG_DST, product});
    builder.add(label, std::move(primitive), std::move(operands));
    const std::int64_t run = p.patch_width * p.outputs;
    const Shape rows{p.batch * p.height, p.patch_height, p.width, run};
    const std::vector<std::int64_t> strides{p.width * p.patch_height * run, run, p.patch_height * run, 1};
    const auto spread = [rows, strides, bytes = dnnl::memory::data_type_size(type)](std::span<std::byte* const> at, int threads) {
        reference::copy_strided(at[1], at[0], bytes, rows, strides, threads);
    };
    builder.add_native({"Reorder", "", 0}, "native:transpose", spread, {product, builder.result(output, layout)});
    return Built::Yes;
}

}  // namespace mcompress::onednn
