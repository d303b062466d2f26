#include "ops/cost.h"

#include "ops/infer_rules.h"

namespace mcompress {

namespace {

void saturating_add(std::int64_t& sum, std::int64_t value) {
    if (__builtin_add_overflow(sum, value, &sum)) sum = INT64_MAX;
}

// The type with every dimension that is not known taken as 1; nothing when the rank of a present tensor is not known.
std::optional<ValueType> with_ones(const Value* value) {
    if (!value) return ValueType::tensor(DType::Undefined, Dims{});
    ValueType type = value->type();
    if (!type.is_tensor() || !type.dims) return std::nullopt;
    for (Dim& dim : *type.dims)
        if (!dim.is_known()) dim = 1;
    return type;
}

std::optional<std::vector<ValueType>> all_with_ones(std::span<Value* const> values) {
    std::vector<ValueType> types;
    for (const Value* value : values) {
        auto type = with_ones(value);
        if (!type) return std::nullopt;
        types.push_back(std::move(*type));
    }
    return types;
}

void measure_constants(const Graph& graph, GraphCost& cost) {
    for (const Value* value : graph.constants()) {
        const Tensor* tensor = value->constant();
        if (!tensor) continue;
        const auto bytes = static_cast<std::int64_t>(tensor->byte_size());
        saturating_add(cost.parameters, tensor->element_count());
        saturating_add(cost.parameter_bytes, bytes);
        saturating_add(cost.bytes_by_dtype[std::string(dtype_name(tensor->dtype()))], bytes);
    }
}

}  // namespace

std::optional<std::int64_t> count_macs(const Node& node) {
    const OpInfo* row = op_info(node);
    if (!row) return std::nullopt;
    if (!row->macs) return 0;
    if (node.input_count() < row->min_inputs || node.output_count() < row->min_outputs) return std::nullopt;
    const auto inputs = all_with_ones(node.inputs());
    const auto outputs = all_with_ones(node.outputs());
    if (!inputs || !outputs) return std::nullopt;
    return row->macs(node, *inputs, *outputs);
}

GraphCost measure_cost(const Graph& graph) {
    GraphCost cost;
    // Only read; the walk is written for graphs that may be changed.
    for_each_graph(const_cast<Graph&>(graph), [&](const Graph& each) {
        measure_constants(each, cost);
        for (const Node* node : each.nodes()) {
            ++cost.op_counts[node->domain().empty() ? node->op_type() : node->domain() + "::" + node->op_type()];
            if (const auto macs = count_macs(*node)) saturating_add(cost.macs, *macs);
            else ++cost.unknown_macs;
        }
    });
    return cost;
}

}  // namespace mcompress
