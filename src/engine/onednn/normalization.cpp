// Softmax, LayerNormalization, LRN, BatchNormalization.
#include <cmath>

#include "engine/onednn/channel_affine.h"
#include "engine/onednn/operators.h"
#include "ops/attributes.h"
#include "ops/microsoft.h"
#include "ops/normalization.h"
#include "ops/softmax.h"

namespace mcompress::onednn {

namespace {
constexpr auto kFloat = dnnl::memory::data_type::f32;
}

Built build_softmax(PlanBuilder& builder, const Node& node) {
    if (!builder.is_dense(node.input(0), DType::Float32) || !builder.is_dense(node.output(0), DType::Float32)) return Built::No;
    const auto softmax = attrs<SoftmaxAttrs>(node);
    const Shape shape = builder.shape(node.input(0));
    const auto axis = normalize_axis(softmax.axis, shape.rank());
    if (!axis) return Built::No;
    const BufferId held = builder.row_major_form(node.input(0));
    const auto type = element_type(builder.desc(held));
    const bool follows = softmax.extent == SoftmaxAttrs::Extent::AxisAndFollowing;
    const Desc layout =
        follows ? plain_desc(Shape{shape.product(0, *axis), shape.product(*axis, shape.rank())}, type) : plain_desc(shape, type);
    Primitive primitive =
        make_softmax(builder.engine(), node.is("LogSoftmax") ? SoftmaxKind::Logarithmic : SoftmaxKind::Plain, layout, follows ? 1 : *axis);
    if (primitive.is_reference()) return Built::No;
    const BufferId source = builder.view(held, layout);
    const BufferId result = builder.view(builder.result(node.output(0), plain_desc(shape, type)), layout);
    builder.add({node.op_type()}, std::move(primitive), {{DNNL_ARG_SRC, source}, {DNNL_ARG_DST, result}});
    return Built::Yes;
}

Built build_skip_layer_normalization(PlanBuilder& builder, const Node& node) {
    const Value *x = node.input(0), *skip = node.input(1), *scale = node.input(2), *shift = node.input(3), *bias = node.input(4);
    for (const int statistic : {1, 2})
        if (const Value* output = node.output(statistic); output && (builder.is_kept(output) || !output->uses().empty())) return Built::No;
    for (const Value* value : std::initializer_list<const Value*>{x, skip, scale, shift, bias, node.output(0)})
        if (value && !builder.is_dense(value, DType::Float32)) return Built::No;
    const Shape shape = builder.shape(x);
    if (!scale || shape.rank() < 2 || builder.shape(skip) != shape) return Built::No;
    const Shape last{shape[shape.rank() - 1]};
    for (const Value* value : {scale, shift, bias})
        if (value && builder.shape(value) != last) return Built::No;
    const Desc layout = plain_desc(Shape{shape.element_count() / last[0], last[0]}, kFloat), parameter = plain_desc(last, kFloat),
               row = plain_desc(Shape{1, last[0]}, kFloat);
    AttributeSpec attributes;
    if (bias) attributes.post_ops.push_back(BinaryPostOp{dnnl::algorithm::binary_add, row});
    Primitive sum = make_binary(builder.engine(), dnnl::algorithm::binary_add, layout, layout, layout, attributes);
    Primitive norm = make_layer_normalization(builder.engine(), layout, attrs<SkipNormAttrs>(node).epsilon,
                                              shift ? NormWeights::ScaleAndShift : NormWeights::Scale);
    if (sum.is_reference() || norm.is_reference()) return Built::No;
    std::vector<Operand> terms{{DNNL_ARG_SRC_0, builder.view(builder.plain_form(x), layout)},
                               {DNNL_ARG_SRC_1, builder.view(builder.plain_form(skip), layout)}};
    if (bias) terms.push_back({DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, builder.view(builder.plain_form(bias), row)});
    std::vector<Operand> operands{{DNNL_ARG_SCALE, builder.view(builder.plain_form(scale), parameter)}};
    if (shift) operands.push_back({DNNL_ARG_SHIFT, builder.view(builder.plain_form(shift), parameter)});
    const Value* whole = node.output(3);
    const BufferId total = whole ? builder.view(builder.result(whole, plain_desc(shape, kFloat)), layout) : builder.temporary(layout);
    terms.push_back({DNNL_ARG_DST, total});
    builder.add({"Add"}, std::move(sum), std::move(terms));
    operands.push_back({DNNL_ARG_SRC, total});
    operands.push_back({DNNL_ARG_DST, builder.view(builder.result(node.output(0), plain_desc(shape, kFloat)), layout)});
    builder.add({node.op_type()}, std::move(norm), std::move(operands));
    return Built::Yes;
}

Built build_layer_normalization(PlanBuilder& builder, const Node& node) {
    const auto norm = attrs<LayerNormAttrs>(node);
    const Value *scale = node.input(1), *shift = node.input(2);
    if (node.output_count() > 1 || !scale) return Built::No;  // statistics are wanted, too
    for (const Value* value : std::initializer_list<const Value*>{node.input(0), scale, shift, node.output(0)})
        if (value && !builder.is_dense(value, DType::Float32)) return Built::No;
    const Shape shape = builder.shape(node.input(0));
    const auto axis = normalize_axis(norm.axis, shape.rank());
    if (!axis) return Built::No;
    const Shape normalized(std::vector<std::int64_t>(shape.begin() + *axis, shape.end()));
    for (const Value* value : {scale, shift})
        if (value && builder.shape(value) != normalized) return Built::No;
    const std::int64_t inner = normalized.element_count();
    const BufferId held = builder.row_major_form(node.input(0));
    const auto type = element_type(builder.desc(held));
    const Desc layout = plain_desc(Shape{shape.element_count() / inner, inner}, type), parameter = plain_desc(Shape{inner}, kFloat);
    Primitive primitive =
        make_layer_normalization(builder.engine(), layout, norm.epsilon, shift ? NormWeights::ScaleAndShift : NormWeights::Scale);
    if (primitive.is_reference()) return Built::No;
    std::vector<Operand> operands{{DNNL_ARG_SRC, builder.view(held, layout)},
                                  {DNNL_ARG_SCALE, builder.view(builder.plain_form(scale), parameter)}};
    if (shift) operands.push_back({DNNL_ARG_SHIFT, builder.view(builder.plain_form(shift), parameter)});
    operands.push_back({DNNL_ARG_DST, builder.view(builder.result(node.output(0), plain_desc(shape, type)), layout)});
    builder.add({node.op_type()}, std::move(primitive), std::move(operands));
    return Built::Yes;
}

Built build_lrn(PlanBuilder& builder, const Node& node) {
    if (!builder.is_dense(node.input(0), DType::Float32) || !builder.is_dense(node.output(0), DType::Float32)) return Built::No;
    const auto lrn = attrs<LrnAttrs>(node);
    if (lrn.size % 2 == 0 || builder.shape(node.input(0)).rank() != 4) return Built::No;  // even windows lie differently
    const BufferId source = builder.any_form(node.input(0));
    Primitive primitive = make_lrn(builder.engine(), builder.desc(source), lrn.size, lrn.alpha, lrn.beta, lrn.bias);
    if (primitive.is_reference()) return Built::No;
    const Desc layout = builder.desc(source);
    builder.add({node.op_type()}, std::move(primitive), {{DNNL_ARG_SRC, source}, {DNNL_ARG_DST, builder.result(node.output(0), layout)}});
    return Built::Yes;
}

namespace {

/// source * factor + offset, one number each a channel: the last step of a normalization.
class ChannelAffineStep {
public:
    /// Nothing when oneDNN only has a slow form.
    static std::optional<ChannelAffineStep> make(const PlanBuilder& builder, const Shape& shape, const Desc& layout) {
        ChannelAffineStep step;
        std::vector<std::int64_t> dims(static_cast<std::size_t>(shape.rank()), 1);
        dims[1] = shape[1];
        step.per_channel_ = Shape(std::move(dims));
        const Desc part = plain_desc(step.per_channel_, kFloat);
        // v2's post-operation a channel takes the wrong channels where several samples have a single point each.
        const bool has_points = shape.product(2, shape.rank()) > 1 || shape[0] == 1;
        AttributeSpec attributes;
        if (has_points) attributes.post_ops.push_back(BinaryPostOp{dnnl::algorithm::binary_add, part});
        else step.add_ = make_binary(builder.engine(), dnnl::algorithm::binary_add, layout, part, layout);
        step.multiply_ = make_binary(builder.engine(), dnnl::algorithm::binary_mul, layout, part, layout, attributes);
        if (step.multiply_.is_reference() || (step.add_ && step.add_->is_reference())) return std::nullopt;
        return step;
    }

    void add(PlanBuilder& builder, const Node& node, BufferId source, const std::vector<float>& factor, const std::vector<float>& offset) {
        const Desc part = plain_desc(per_channel_, kFloat);
        const BufferId a = builder.constant(Tensor::from_values(per_channel_, factor), part),
                       b = builder.constant(Tensor::from_values(per_channel_, offset), part);
        const BufferId result = builder.result(node.output(0), builder.desc(source));
        std::vector<Operand> operands{{DNNL_ARG_SRC_0, source}, {DNNL_ARG_SRC_1, a}, {DNNL_ARG_DST, result}};
        if (!add_) operands.push_back({DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, b});
        builder.add({node.op_type()}, std::move(multiply_), std::move(operands));
        if (add_) builder.add({node.op_type()}, std::move(*add_), {{DNNL_ARG_SRC_0, result}, {DNNL_ARG_SRC_1, b}, {DNNL_ARG_DST, result}});
    }

private:
    Shape per_channel_;
    Primitive multiply_;
    std::optional<Primitive> add_;  // where it is no post-operation
};

}  // namespace

Built build_batch_normalization(PlanBuilder& builder, const Node& node) {
    if (!builder.is_dense(node.input(0), DType::Float32) || !builder.is_dense(node.output(0), DType::Float32)) return Built::No;
    const auto affine = channel_affine(builder.values(), node);
    if (!affine) return Built::No;
    const BufferId source = builder.any_form(node.input(0));
    auto step = ChannelAffineStep::make(builder, builder.shape(node.input(0)), builder.desc(source));
    if (!step) return Built::No;
    step->add(builder, node, source, {affine->factor.begin(), affine->factor.end()}, {affine->offset.begin(), affine->offset.end()});
    return Built::Yes;
}

Built build_instance_normalization(PlanBuilder& builder, const Node& node) {
    if (!builder.is_dense(node.input(0), DType::Float32) || !builder.is_dense(node.output(0), DType::Float32)) return Built::No;
    const Shape shape = builder.shape(node.input(0));
    const Tensor *scale = builder.known(node.input(1)), *offset = builder.known(node.input(2));
    if (shape.rank() < 3 || !scale || !offset || scale->element_count() != shape[1] || offset->element_count() != shape[1])
        return Built::No;
    const Desc layout = plain_desc(Shape{shape[0] * shape[1], shape.product(2, shape.rank())}, kFloat);
    Primitive primitive = make_layer_normalization(builder.engine(), layout, attrs<InstanceNormAttrs>(node).epsilon, NormWeights::None);
    auto step = ChannelAffineStep::make(builder, shape, plain_desc(shape, kFloat));
    if (primitive.is_reference() || !step) return Built::No;
    const BufferId normal = builder.temporary(plain_desc(shape, kFloat));
    builder.add({node.op_type()}, std::move(primitive),
                {{DNNL_ARG_SRC, builder.view(builder.plain_form(node.input(0)), layout)}, {DNNL_ARG_DST, builder.view(normal, layout)}});
    const auto numbers = [](const Tensor& tensor) {
        return std::vector<float>(tensor.values<float>().begin(), tensor.values<float>().end());
    };
    step->add(builder, node, normal, numbers(*scale), numbers(*offset));
    return Built::Yes;
}

}  // namespace mcompress::onednn
