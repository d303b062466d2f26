// Operators that move elements: Concat, Transpose, Reshape and its kin, Resize; and reductions.
#include <algorithm>
#include <cmath>

#include "engine/onednn/known_faults.h"
#include "engine/onednn/operators.h"
#include "engine/reference/strided.h"
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

std::string precision_of(const PlanBuilder& builder, const Value* value) {
    const DType dtype = builder.values().dtype(value);
    return dtype == DType::Float32 ? "f32" : dtype == DType::UInt8 ? "u8" : "s8";
}

/// Row-major parts: blocks of bytes, several times as fast as oneDNN's concat.
void add_plain_concat(PlanBuilder& builder, const Node& node, const std::vector<const Value*>& parts, int axis) {
    const auto type = type_of(builder, node.output(0));
    const Shape shape = builder.shape(node.output(0));
    const auto block = [&](const Shape& of) {
        return static_cast<std::size_t>(of.product(axis, of.rank())) * dnnl::memory::data_type_size(type);
    };
    std::vector<std::size_t> bytes;
    std::vector<BufferId> operands;
    for (const Value* part : parts) {
        bytes.push_back(block(builder.shape(part)));
        operands.push_back(builder.plain_form(part));
    }
    operands.push_back(builder.result(node.output(0), plain_desc(shape, type)));
    const auto run = [bytes, pitch = block(shape), rows = shape.product(0, axis)](std::span<std::byte* const> pointers, int threads) {
        std::byte* to = pointers.back();
        for (std::size_t part = 0; part < bytes.size(); to += bytes[part], ++part)
            reference::copy_rows(to, pitch, pointers[part], bytes[part], bytes[part], rows, threads);
    };
    builder.add_native({node.op_type(), precision_of(builder, node.output(0))}, "native:concat", run, std::move(operands));
}

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
    std::vector<Desc> descs;
    bool is_plain = true, are_alike = true;
    for (const Value* part : parts) {
        descs.push_back(builder.desc(builder.any_form(part)));
        is_plain = is_plain && is_row_major(descs.back());
        are_alike = are_alike && element_type(descs.back()) == element_type(descs.front());
    }
    if (!is_plain && are_alike) {
        Primitive primitive = make_concat(builder.engine(), *axis, descs, std::nullopt);
        if (!primitive.is_reference()) {
            std::vector<Operand> operands;
            for (std::size_t at = 0; at < parts.size(); ++at)
                operands.push_back({DNNL_ARG_MULTIPLE_SRC + static_cast<int>(at), builder.form(parts[at], descs[at])});
            const Desc layout = primitive.destination;
            operands.push_back({DNNL_ARG_DST, builder.result(node.output(0), layout)});
            builder.add({node.op_type(), precision_of(builder, node.output(0))}, std::move(primitive), std::move(operands));
            return Built::Yes;
        }
    }
    add_plain_concat(builder, node, parts, *axis);
    return Built::Yes;
}

Built build_reinterpretation(PlanBuilder& builder, const Node& node) {
    const Value* source = node.input(0);
    if (!is_movable(builder, source) || !is_movable(builder, node.output(0)) || (node.output_count() > 1 && node.output(1)))
        return Built::No;
    if (builder.is_known(source) || builder.shape(source).element_count() != builder.shape(node.output(0)).element_count())
        return Built::No;
    const BufferId held = builder.row_major_form(source);
    builder.share(node.output(0), source, held, plain_desc(builder.shape(node.output(0)), element_type(builder.desc(held))));
    return Built::Yes;
}

Built build_identity(PlanBuilder& builder, const Node& node) {
    const Value* source = node.input(0);
    const PropagatedValues& values = builder.values();
    if (!node.output(0) || builder.is_known(source) || values.dtype(source) == DType::Undefined) return Built::No;
    for (int index = 1; index < node.output_count(); ++index)  // Dropout's mask
        if (const Value* other = node.output(index); other && (builder.is_kept(other) || !other->uses().empty())) return Built::No;
    if (values.stored_dtype(source) != values.stored_dtype(node.output(0))) {
        // Half precision is held as float32 already; the other way it has to be rounded.
        if (!values.is_half(source) || values.stored_dtype(node.output(0)) != DType::Float32 || !builder.is_dense(source, DType::Float32))
            return Built::No;
        const BufferId held = builder.any_form(source);
        builder.share(node.output(0), source, held, builder.desc(held));
        return Built::Yes;
    }
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
    std::vector<std::int64_t> permuted;
    for (const int axis : order) permuted.push_back(strides[static_cast<std::size_t>(axis)]);
    const BufferId read = builder.row_major_form(source);
    const auto type = element_type(builder.desc(read));
    const auto run = [result, permuted, bytes = dnnl::memory::data_type_size(type)](std::span<std::byte* const> pointers, int threads) {
        reference::copy_strided(pointers[1], pointers[0], bytes, result, permuted, threads);
    };
    const BufferId written = builder.result(node.output(0), plain_desc(result, type));
    builder.add_native({node.op_type(), precision_of(builder, source)}, "native:transpose", run, {read, written});
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
    const bool floors = resize.nearest == Resize::Nearest::Floor || resize.nearest == Resize::Nearest::Unnamed;
    // oneDNN's nearest and linear sampling are those of half-pixel coordinates; for whole factors two more conventions pick the same elements.
    const bool nearest = resize.mode == Resize::Mode::Nearest && integer_factors &&
                         ((centred && rounds) || (resize.coordinates == Resize::Coordinates::Asymmetric && floors));
    if (!nearest && !(resize.mode == Resize::Mode::Linear && centred)) return Built::No;
    const BufferId source = kResamplesRowMajor
                                ? builder.view(builder.plain_form(node.input(0)), plain_desc(in, dnnl::memory::data_type::f32))
                                : builder.any_form(node.input(0));
    Primitive primitive = make_resampling(
        builder.engine(), nearest ? dnnl::algorithm::resampling_nearest : dnnl::algorithm::resampling_linear, builder.desc(source), out);
    if (primitive.is_reference()) return Built::No;
    const Desc layout = primitive.destination;
    builder.add({node.op_type()}, std::move(primitive), {{DNNL_ARG_SRC, source}, {DNNL_ARG_DST, builder.result(node.output(0), layout)}});
    return Built::Yes;
}

/// Not ReduceMax and ReduceMin: oneDNN's begin with the lowest and the largest finite number, which infinities alone never replace.
Built build_reduction(PlanBuilder& builder, const Node& node) {
    struct Row {
        std::string_view type;
        dnnl::algorithm algorithm;
    };
    constexpr Row kRows[] = {{"ReduceMean", dnnl::algorithm::reduction_mean}, {"ReduceSum", dnnl::algorithm::reduction_sum}};
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
