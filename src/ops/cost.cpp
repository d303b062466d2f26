#include "ops/cost.h"

#include "ops/arity.h"
#include "ops/infer_rules.h"

namespace mcompress {

namespace {

void add_to(std::int64_t& sum, std::int64_t value) { sum = saturating_add(sum, value); }

// The types with every dimension that is not known taken as 1; nothing when the rank of a present tensor is not known.
std::optional<std::vector<ValueType>> with_ones(std::span<Value* const> values, std::span<const ValueType> types) {
    std::vector<ValueType> result;
    for (std::size_t index = 0; index < values.size(); ++index) {
        if (!values[index]) {
            result.push_back(ValueType::tensor(DType::Undefined, Dims{}));
            continue;
        }
        if (!types[index].is_tensor() || !types[index].dims) return std::nullopt;
        result.push_back(types[index]);
        for (Dim& dim : *result.back().dims)
            if (!dim.is_known()) dim = 1;
    }
    return result;
}

std::vector<ValueType> stored_types(std::span<Value* const> values) {
    std::vector<ValueType> types;
    for (const Value* value : values) types.push_back(value ? value->type() : ValueType{});
    return types;
}

void measure_constants(const Graph& graph, GraphCost& cost) {
    for (const Value* value : graph.constants()) {
        const Tensor* tensor = value->constant();
        const ValueType& type = value->type();  // of a sparse one: values and places count as its bytes
        const auto bytes = static_cast<std::int64_t>(tensor ? tensor->byte_size() : value->sparse_initializer().size());
        add_to(cost.parameters, tensor ? tensor->element_count() : type.shape().value_or(Shape{0}).element_count());
        add_to(cost.parameter_bytes, bytes);
        add_to(cost.bytes_by_dtype[std::string(dtype_name(tensor ? tensor->dtype() : type.dtype))], bytes);
    }
}

}  // namespace

std::optional<std::int64_t> count_macs(const Node& node, std::span<const ValueType> inputs, std::span<const ValueType> outputs) {
    const OpInfo* row = op_info(node);
    if (!row) return std::nullopt;
    if (!row->macs) return 0;
    if (!arity_problem(node, *row).empty() || inputs.size() != node.inputs().size() || outputs.size() != node.outputs().size())
        return std::nullopt;
    const auto known_inputs = with_ones(node.inputs(), inputs);
    const auto known_outputs = with_ones(node.outputs(), outputs);
    if (!known_inputs || !known_outputs || !node.output(0)) return std::nullopt;
    return row->macs(node, *known_inputs, *known_outputs);
}

std::optional<std::int64_t> count_macs(const Node& node) {
    const OpInfo* row = op_info(node);
    if (row && !row->macs) return 0;
    return count_macs(node, stored_types(node.inputs()), stored_types(node.outputs()));
}

GraphCost measure_cost(const Graph& graph) {
    GraphCost cost;
    // Only read; the walk is written for graphs that may be changed.
    for_each_graph(const_cast<Graph&>(graph), [&](const Graph& each) {
        measure_constants(each, cost);
        for (const Node* node : each.nodes()) {
            ++cost.op_counts[node->qualified_op_type()];
            if (const auto macs = count_macs(*node)) add_to(cost.macs, *macs);
            else ++cost.unknown_macs;
        }
    });
    return cost;
}

}  // namespace mcompress
