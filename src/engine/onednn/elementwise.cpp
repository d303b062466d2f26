// Activations and arithmetic on their own.
#include <algorithm>

#include "engine/onednn/operators.h"
#include "ops/elementwise.h"

namespace mcompress::onednn {

namespace {

using dnnl::algorithm;

struct BinaryRow {
    std::string_view type;
    algorithm operation;
    bool commutes;
};
constexpr BinaryRow kBinaries[] = {
    {"Add", algorithm::binary_add, true},  {"Sub", algorithm::binary_sub, false}, {"Mul", algorithm::binary_mul, true},
    {"Div", algorithm::binary_div, false}, {"Min", algorithm::binary_min, true},  {"Max", algorithm::binary_max, true},
};

const BinaryRow* find_binary(const Node& node) {
    const auto* row =
        std::find_if(std::begin(kBinaries), std::end(kBinaries), [&](const BinaryRow& entry) { return entry.type == node.op_type(); });
    return row == std::end(kBinaries) ? nullptr : row;
}

Shape widened(const Shape& shape, int rank) {
    std::vector<std::int64_t> dims(static_cast<std::size_t>(std::max(0, rank - shape.rank())), 1);
    dims.insert(dims.end(), shape.begin(), shape.end());
    return Shape(std::move(dims));
}

/// The buffer an element-wise step writes: the source's own when nobody needs it afterwards.
BufferId elementwise_result(PlanBuilder& builder, const Value* source_value, BufferId source, const Value* output) {
    const bool in_place = builder.is_writable(source) && builder.dies_here(source_value) && !builder.is_kept(output);
    return in_place ? builder.result_in(output, source, builder.desc(source)) : builder.result(output, builder.desc(source));
}

Built build_same_shape(PlanBuilder& builder, const Node& node, const BinaryRow& row) {
    BufferId a = builder.any_form(node.input(0)), b = builder.any_form(node.input(1));
    if (builder.desc(a) != builder.desc(b)) {
        // Prefer the layout that is not plain: what follows probably wants it, too.
        if (is_row_major(builder.desc(a))) a = builder.form(node.input(0), builder.desc(b));
        else b = builder.form(node.input(1), builder.desc(a));
    }
    Primitive primitive = make_binary(builder.engine(), row.operation, builder.desc(a), builder.desc(b), builder.desc(a));
    if (primitive.is_reference()) return Built::No;
    const BufferId result = elementwise_result(builder, node.input(0), a, node.output(0));
    builder.add({node.op_type()}, std::move(primitive), {{DNNL_ARG_SRC_0, a}, {DNNL_ARG_SRC_1, b}, {DNNL_ARG_DST, result}});
    return Built::Yes;
}

/// `full` has the result's shape, `part` is broadcast to it.
Built build_broadcast(PlanBuilder& builder, const Node& node, algorithm operation, const Value* full, const Value* part,
                      const AttributeSpec& attributes = {}) {
    const Shape shape = builder.shape(node.output(0));
    const Desc part_desc = plain_desc(widened(builder.shape(part), shape.rank()), dnnl::memory::data_type::f32);
    for (const BufferId first : {builder.any_form(full), BufferId{-1}}) {
        const BufferId a = first >= 0 ? first : builder.plain_form(full);
        Primitive primitive = make_binary(builder.engine(), operation, builder.desc(a), part_desc, builder.desc(a), attributes);
        if (primitive.is_reference()) continue;
        const BufferId b = builder.view(builder.plain_form(part), part_desc);
        const BufferId result = elementwise_result(builder, full, a, node.output(0));
        builder.add({node.op_type()}, std::move(primitive), {{DNNL_ARG_SRC_0, a}, {DNNL_ARG_SRC_1, b}, {DNNL_ARG_DST, result}});
        return Built::Yes;
    }
    return Built::No;
}

}  // namespace

Built build_activation(PlanBuilder& builder, const Node& node) {
    const auto activation = activation_of(builder.values(), node);
    if (!activation) return Built::No;
    const Value* source = node.input(activation->input);
    if (!builder.is_dense(source, DType::Float32) || !builder.is_dense(node.output(0), DType::Float32)) return Built::No;
    const BufferId from = builder.any_form(source);
    std::vector<Primitive> primitives;
    for (const EltwisePostOp& operation : activation->operations) {
        primitives.push_back(make_eltwise(builder.engine(), operation, builder.desc(from)));
        if (primitives.back().is_reference()) return Built::No;
    }
    const BufferId to = elementwise_result(builder, source, from, node.output(0));
    BufferId read = from;
    for (Primitive& primitive : primitives) {
        builder.add({node.op_type()}, std::move(primitive), {{DNNL_ARG_SRC, read}, {DNNL_ARG_DST, to}});
        read = to;
    }
    return Built::Yes;
}

Built build_biased_activation(PlanBuilder& builder, const Node& node) {
    const auto biased = biased_activation(builder.values(), node);
    if (!biased) return build_activation(builder, node);
    if (!builder.is_dense(node.input(0), DType::Float32) || !builder.is_dense(node.output(0), DType::Float32)) return Built::No;
    AttributeSpec attributes;
    attributes.post_ops.push_back(biased->operation);
    return build_broadcast(builder, node, algorithm::binary_add, node.input(0), biased->bias, attributes);
}

Built build_binary(PlanBuilder& builder, const Node& node) {
    const BinaryRow* row = find_binary(node);
    if (!row || node.input_count() != 2) return Built::No;
    if (attrs<BroadcastAttrs>(node).rule == BroadcastAttrs::Rule::Legacy) return Built::No;
    for (const Value* value : {node.input(0), node.input(1), node.output(0)})
        if (!builder.is_dense(value, DType::Float32)) return Built::No;
    if (build_activation(builder, node) == Built::Yes) return Built::Yes;
    const Shape a = builder.shape(node.input(0)), b = builder.shape(node.input(1)), out = builder.shape(node.output(0));
    if (out.rank() == 0) return Built::No;
    if (a == b) return build_same_shape(builder, node, *row);
    if (a == out) return build_broadcast(builder, node, row->operation, node.input(0), node.input(1));
    if (b == out && row->commutes) return build_broadcast(builder, node, row->operation, node.input(1), node.input(0));
    return Built::No;
}

}  // namespace mcompress::onednn
