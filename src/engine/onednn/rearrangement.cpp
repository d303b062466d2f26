// Operators that move elements: Concat, Transpose, Reshape and its kin, Resize; and reductions.
#include <algorithm>
#include <cmath>

#include "engine/onednn/operators.h"
#include "ops/elementwise.h"
#include "ops/reduce.h"
#include "ops/resize.h"
#include "ops/shape.h"

namespace mcompress::onednn {

namespace {

bool is_movable(const PlanBuilder& builder, const Value* value) {
    return builder.is_dense(value, DType::Float32) || builder.is_dense(value, DType::UInt8) || builder.is_dense(value, DType::Int8);
}

dnnl::memory::data_type type_of(const PlanBuilder& builder, const Value* value) { return *data_type_of(builder.values().dtype(value)); }

}  // namespace

Built build_concat(PlanBuilder& builder, const Node& node) {
    if (!is_movable(builder, node.output(0))) return Built::No;
    const auto axis = normalize_axis(attrs<ConcatAttrs>(node).axis, builder.shape(node.output(0)).rank());
    std::vector<const Value*> parts;
    for (const Value* input : node.inputs()) {
        const auto shape = builder.values().shape(input);
        if (shape && shape->element_count() == 0) continue;
        if (!is_movable(builder, input)) return Built::No;
        parts.push_back(input);
    }
    if (!axis || parts.empty()) return Built::No;
    for (const bool plain : {false, true}) {
        std::vector<Desc> descs;
        for (const Value* part : parts)
            descs.push_back(plain ? plain_desc(builder.shape(part), type_of(builder, part)) : builder.desc(builder.any_form(part)));
        std::optional<Desc> destination;
        if (plain) destination = plain_desc(builder.shape(node.output(0)), type_of(builder, node.output(0)));
        Primitive primitive = make_concat(builder.engine(), *axis, descs, destination);
        if (primitive.is_reference() && !plain) continue;
        std::vector<Operand> operands;
        for (std::size_t at = 0; at < parts.size(); ++at)
            operands.push_back({DNNL_ARG_MULTIPLE_SRC + static_cast<int>(at), builder.form(parts[at], descs[at])});
        const Desc layout = primitive.destination;
        operands.push_back({DNNL_ARG_DST, builder.result(node.output(0), layout)});
        builder.add({node.op_type(), builder.values().dtype(node.output(0)) == DType::Float32 ? "f32" : "u8"}, std::move(primitive),
                    std::move(operands));
        return Built::Yes;
    }
    return Built::No;
}

Built build_reinterpretation(PlanBuilder& builder, const Node& node) {
    const Value* source = node.input(0);
    if (!is_movable(builder, source) || !is_movable(builder, node.output(0)) || (node.output_count() > 1 && node.output(1)))
        return Built::No;
    if (builder.is_known(source) || builder.shape(source).element_count() != builder.shape(node.output(0)).element_count())
        return Built::No;
    builder.share(node.output(0), source, builder.plain_form(source), plain_desc(builder.shape(node.output(0)), type_of(builder, source)));
    return Built::Yes;
}

Built build_identity(PlanBuilder& builder, const Node& node) {
    const Value* source = node.input(0);
    if (node.output_count() != 1 || !node.output(0) || builder.is_known(source) ||
        builder.values().dtype(source) != builder.values().dtype(node.output(0)))
        return Built::No;
    if (builder.values().dtype(source) == DType::Undefined) return Built::No;
    if (node.is("Dropout") && attrs<DropoutAttrs>(node).mode != DropoutAttrs::Mode::Inference) return Built::No;
    builder.alias(node.output(0), source);
    return Built::Yes;
}

Built build_transpose(PlanBuilder& builder, const Node& node) {
    const Value* source = node.input(0);
    if (!is_movable(builder, source) || !is_movable(builder, node.output(0)) || builder.is_known(source)) return Built::No;
    const Shape shape = builder.shape(source), result = builder.shape(node.output(0));
    const std::vector<int> order = attrs<TransposeAttrs>(node).resolve(shape.rank());
    const std::vector<std::int64_t> strides = shape.strides();
    Dims permuted;
    for (const int axis : order) permuted.push_back(strides[static_cast<std::size_t>(axis)]);
    const Desc from = strided_desc(result, type_of(builder, source), permuted), to = plain_desc(result, type_of(builder, source));
    Primitive primitive = make_reorder(builder.engine(), from, to);
    const BufferId read = builder.view(builder.plain_form(source), from);
    builder.add({node.op_type()}, std::move(primitive), {{DNNL_ARG_FROM, read}, {DNNL_ARG_TO, builder.result(node.output(0), to)}});
    return Built::Yes;
}

Built build_resize(PlanBuilder& builder, const Node& node) {
    using Resize = ResizeAttrs;
    if (!builder.is_dense(node.input(0), DType::Float32) || !builder.is_dense(node.output(0), DType::Float32)) return Built::No;
    const auto resize = attrs<ResizeAttrs>(node);
    const Shape in = builder.shape(node.input(0)), out = builder.shape(node.output(0));
    if (in.rank() != 4 || in[0] != out[0] || in[1] != out[1] || resize.antialias || resize.exclude_outside || resize.roi_input >= 0)
        return Built::No;
    if (!resize.scales && !resize.sizes && resize.scales_input < 0 && resize.sizes_input < 0) return Built::No;
    std::vector<float> scales = resize.scales.value_or(std::vector<float>{});
    if (resize.scales_input >= 0) {
        const Tensor* tensor = builder.known(node.input(resize.scales_input));
        if (!tensor || tensor->dtype() != DType::Float32) return Built::No;
        scales.assign(tensor->data<float>(), tensor->data<float>() + tensor->element_count());
    }
    bool integer_factors = true;
    for (int axis = 2; axis < 4; ++axis) {
        integer_factors = integer_factors && out[axis] % in[axis] == 0;
        if (!scales.empty() &&
            (scales.size() != 4 || scales[static_cast<std::size_t>(axis)] * static_cast<float>(in[axis]) != static_cast<float>(out[axis])))
            return Built::No;
    }
    const bool centred = resize.coordinates == Resize::Coordinates::HalfPixel ||
                         (resize.coordinates == Resize::Coordinates::PytorchHalfPixel && out[2] > 1 && out[3] > 1);
    const bool rounds = resize.nearest == Resize::Nearest::RoundPreferFloor || resize.nearest == Resize::Nearest::RoundPreferCeil;
    // oneDNN's nearest and linear sampling are those of half-pixel coordinates; for whole factors two more conventions pick the same elements.
    const bool nearest =
        resize.mode == Resize::Mode::Nearest && integer_factors &&
        ((centred && rounds) || (resize.coordinates == Resize::Coordinates::Asymmetric && resize.nearest == Resize::Nearest::Floor));
    if (!nearest && !(resize.mode == Resize::Mode::Linear && centred)) return Built::No;
    const BufferId source = builder.any_form(node.input(0));
    Primitive primitive =
        make_resampling(builder.engine(), nearest ? dnnl::algorithm::resampling_nearest : dnnl::algorithm::resampling_linear,
                        builder.desc(source), any_desc(out, dnnl::memory::data_type::f32));
    if (primitive.is_reference()) return Built::No;
    const Desc layout = primitive.destination;
    builder.add({node.op_type()}, std::move(primitive), {{DNNL_ARG_SRC, source}, {DNNL_ARG_DST, builder.result(node.output(0), layout)}});
    return Built::Yes;
}

Built build_reduction(PlanBuilder& builder, const Node& node) {
    struct Row {
        std::string_view type;
        dnnl::algorithm algorithm;
    };
    constexpr Row kRows[] = {{"ReduceMean", dnnl::algorithm::reduction_mean},
                             {"ReduceSum", dnnl::algorithm::reduction_sum},
                             {"ReduceMax", dnnl::algorithm::reduction_max},
                             {"ReduceMin", dnnl::algorithm::reduction_min}};
    const auto* row = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& entry) { return entry.type == node.op_type(); });
    if (row == std::end(kRows) || !builder.is_dense(node.input(0), DType::Float32) || !builder.is_dense(node.output(0), DType::Float32))
        return Built::No;
    const auto reduce = attrs<ReduceAttrs>(node);
    std::vector<std::int64_t> given = reduce.axes.values.value_or(std::vector<std::int64_t>{});
    if (reduce.axes.input >= 0 && node.input(reduce.axes.input)) {
        const Tensor* tensor = builder.known(node.input(reduce.axes.input));
        const auto integers = tensor ? integers_of(*tensor) : std::nullopt;
        if (!integers) return Built::No;
        given = *integers;
    }
    const Shape shape = builder.shape(node.input(0));
    Shape kept = shape;
    const std::vector<int> axes = reduce.resolve(shape.rank(), given);
    for (const int axis : axes) kept[axis] = 1;
    if (kept == shape) return Built::No;
    const BufferId source = builder.plain_form(node.input(0));
    const Desc destination = plain_desc(kept, dnnl::memory::data_type::f32);
    Primitive primitive = make_reduction(builder.engine(), row->algorithm, builder.desc(source), destination);
    if (primitive.is_reference()) return Built::No;
    const BufferId result = builder.result(node.output(0), plain_desc(builder.shape(node.output(0)), dnnl::memory::data_type::f32));
    builder.add({node.op_type()}, std::move(primitive), {{DNNL_ARG_SRC, source}, {DNNL_ARG_DST, builder.view(result, destination)}});
    return Built::Yes;
}

}  // namespace mcompress::onednn
