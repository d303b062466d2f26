// If, Loop, Scan: their outputs are typed from their bodies.
#include "ops/control_flow.h"

#include <algorithm>

#include "ops/bodies.h"
#include "ops/infer_rules.h"
#include "ops/rows.h"
#include "ops/sequence.h"

namespace mcompress {

namespace {

void infer_if(InferContext& context) {
    const IfAttrs attrs = IfAttrs::read(context.node());
    const auto bodies = context.node().subgraphs();
    const auto types_of = [&](const Graph* branch) {
        const auto found = std::find(bodies.begin(), bodies.end(), branch);
        return context.body_types(static_cast<std::size_t>(found - bodies.begin()));
    };
    const auto then_types = types_of(attrs.then_branch);
    const auto else_types = types_of(attrs.else_branch);
    const auto count = static_cast<std::size_t>(context.output_count());
    for (const auto& types : {then_types, else_types})
        if (!types.empty() && types.size() != count) context.reject("a branch does not have as many outputs as the node");
    // A condition computed from shapes can be known: then one branch is all there is.
    const Tensor* condition = context.constant(0);
    const auto chosen = condition ? scalar_of(*condition) : std::nullopt;
    if (chosen) {
        const auto& types = *chosen != 0.0 ? then_types : else_types;
        for (std::size_t index = 0; index < types.size(); ++index) context.set_output(static_cast<int>(index), types[index]);
        return;
    }
    for (std::size_t index = 0; index < count; ++index) {
        if (then_types.empty() && else_types.empty()) return;
        if (then_types.empty()) context.set_output(static_cast<int>(index), else_types[index]);
        else
            context.set_output(static_cast<int>(index),
                               else_types.empty() ? then_types[index] : either_type(then_types[index], else_types[index]));
    }
}

ValueType with_axis(const ValueType& type, std::int64_t axis, const Dim& extent) {
    if (!type.is_tensor() || !type.dims) return without_shape(type);
    const auto place = normalize_axis(axis, static_cast<int>(type.dims->size()) + 1);
    if (!place) return without_shape(type);
    Dims dims = *type.dims;
    dims.insert(dims.begin() + *place, extent);
    return ValueType::tensor(type.dtype, std::move(dims));
}

ValueType without_axis(const ValueType& type, std::int64_t axis) {
    if (!type.is_tensor() || !type.dims) return without_shape(type);
    const auto place = normalize_axis(axis, static_cast<int>(type.dims->size()));
    if (!place) return without_shape(type);
    Dims dims = *type.dims;
    dims.erase(dims.begin() + *place);
    return ValueType::tensor(type.dtype, std::move(dims));
}

void infer_loop(InferContext& context) {
    (void)LoopAttrs::read(context.node());
    const auto body = context.body_types(0);
    if (body.empty()) return;
    const int states = std::max(context.input_count() - 2, 0);
    if (body.size() != static_cast<std::size_t>(context.output_count()) + 1)
        context.reject("the body does not have one output more than the node");
    for (int index = 0; index < context.output_count(); ++index) {
        const ValueType& type = body[static_cast<std::size_t>(index) + 1];
        if (index >= states) context.set_output(index, with_axis(type, 0, Dim()));
        else context.set_output(index, type == context.input(index + 2) ? type : without_shape(type));
    }
}

std::int64_t at_or_zero(const std::vector<std::int64_t>& values, int index) {
    return static_cast<std::size_t>(index) < values.size() ? values[static_cast<std::size_t>(index)] : 0;
}

/// What the scanned inputs say of one of their axes, by default the scanned one.
Dim scanned_extent(InferContext& context, const ScanAttrs& attrs, const std::vector<std::int64_t>& axes) {
    const int first = context.input_count() - static_cast<int>(attrs.num_scan_inputs);
    Dim extent;
    for (int index = first; index < context.input_count(); ++index) {
        const ValueType& input = context.input(index);
        if (!input.has_rank()) continue;
        const int axis = checked_axis(context, at_or_zero(axes, index - first), input.rank());
        extent = merge_dims(context, extent, (*input.dims)[static_cast<std::size_t>(axis)]);
    }
    return extent;
}

void infer_scan(InferContext& context) {
    const ScanAttrs attrs = ScanAttrs::read(context.node());
    const auto body = context.body_types(0);
    if (body.empty()) return;
    if (body.size() != static_cast<std::size_t>(context.output_count()))
        context.reject("the body does not have as many outputs as the node");
    const bool is_batched = attrs.form == ScanAttrs::Form::Batched;
    const std::vector<std::int64_t> ones(static_cast<std::size_t>(is_batched ? attrs.num_scan_inputs : 0), 1);
    const Dim steps = scanned_extent(context, attrs, is_batched ? ones : attrs.input_axes);
    const Dim batch = is_batched ? scanned_extent(context, attrs, {}) : Dim();
    const int states = attrs.state_count(context.node());
    for (int index = 0; index < context.output_count(); ++index) {
        ValueType type = body[static_cast<std::size_t>(index)];
        if (index >= states) type = with_axis(type, at_or_zero(attrs.output_axes, index - states), steps);
        context.set_output(index, is_batched ? with_axis(type, 0, batch) : type);
    }
}

std::vector<ValueType> loop_body_inputs(std::span<const ValueType> inputs) {
    std::vector<ValueType> types{ValueType::tensor(DType::Int64, Dims{}), ValueType::tensor(DType::Bool, Dims{})};
    for (std::size_t index = 2; index < inputs.size(); ++index) types.push_back(without_shape(inputs[index]));
    return types;
}

std::vector<ValueType> scan_body_inputs(const Node& node, std::span<const ValueType> inputs) {
    const ScanAttrs attrs = ScanAttrs::read(node);
    const int first = attrs.first_state(), states = attrs.state_count(node);
    std::vector<ValueType> types;
    for (int index = 0; index < node.input_count() - first; ++index) {
        ValueType type = inputs[static_cast<std::size_t>(index + first)];
        if (attrs.form == ScanAttrs::Form::Batched) type = without_axis(type, 0);
        types.push_back(index < states ? type : without_axis(type, at_or_zero(attrs.input_axes, index - states)));
    }
    return types;
}

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "If", 1, 1, 1, 1, kVariadic, infer_if, check_attrs<IfAttrs>},
    {"", "If", 11, 1, 1, 1, kVariadic, infer_if, check_attrs<IfAttrs>},
    {"", "If", 13, 1, 1, 1, kVariadic, infer_if, check_attrs<IfAttrs>},
    {"", "If", 16, 1, 1, 1, kVariadic, infer_if, check_attrs<IfAttrs>},
    {"", "If", 19, 1, 1, 1, kVariadic, infer_if, check_attrs<IfAttrs>},
    {"", "If", 21, 1, 1, 1, kVariadic, infer_if, check_attrs<IfAttrs>},
    {"", "If", 23, 1, 1, 1, kVariadic, infer_if, check_attrs<IfAttrs>},
    {"", "If", 24, 1, 1, 1, kVariadic, infer_if, check_attrs<IfAttrs>},
    {"", "Loop", 1, 3, kVariadic, 1, kVariadic, infer_loop, check_attrs<LoopAttrs>},
    {"", "Loop", 11, 2, kVariadic, 1, kVariadic, infer_loop, check_attrs<LoopAttrs>},
    {"", "Loop", 13, 2, kVariadic, 1, kVariadic, infer_loop, check_attrs<LoopAttrs>},
    {"", "Loop", 16, 2, kVariadic, 1, kVariadic, infer_loop, check_attrs<LoopAttrs>},
    {"", "Loop", 19, 2, kVariadic, 1, kVariadic, infer_loop, check_attrs<LoopAttrs>},
    {"", "Loop", 21, 2, kVariadic, 1, kVariadic, infer_loop, check_attrs<LoopAttrs>},
    {"", "Loop", 23, 2, kVariadic, 1, kVariadic, infer_loop, check_attrs<LoopAttrs>},
    {"", "Loop", 24, 2, kVariadic, 1, kVariadic, infer_loop, check_attrs<LoopAttrs>},
    {"", "Scan", 8, 2, kVariadic, 1, kVariadic, infer_scan, check_attrs<ScanAttrs>},
    {"", "Scan", 9, 1, kVariadic, 1, kVariadic, infer_scan, check_attrs<ScanAttrs>},
    {"", "Scan", 11, 1, kVariadic, 1, kVariadic, infer_scan, check_attrs<ScanAttrs>},
    {"", "Scan", 16, 1, kVariadic, 1, kVariadic, infer_scan, check_attrs<ScanAttrs>},
    {"", "Scan", 19, 1, kVariadic, 1, kVariadic, infer_scan, check_attrs<ScanAttrs>},
    {"", "Scan", 21, 1, kVariadic, 1, kVariadic, infer_scan, check_attrs<ScanAttrs>},
    {"", "Scan", 23, 1, kVariadic, 1, kVariadic, infer_scan, check_attrs<ScanAttrs>},
    {"", "Scan", 24, 1, kVariadic, 1, kVariadic, infer_scan, check_attrs<ScanAttrs>},
};
// clang-format on

}  // namespace

std::span<const OpInfo> control_flow_rows() { return kRows; }

std::vector<ValueType> body_input_types(const Node& node, std::span<const ValueType> inputs) {
    if (node.is("Loop")) return loop_body_inputs(inputs);
    if (node.is("Scan")) return scan_body_inputs(node, inputs);
    if (node.is("SequenceMap")) return sequence_map_body_inputs(inputs);
    return {};
}

}  // namespace mcompress
