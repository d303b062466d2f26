#include "pipeline/emulate_half.h"

#include "ir/clone.h"
#include "ops/infer.h"
#include "ops/op_info.h"
#include "passes/compress/convert_float.h"

namespace mcompress {

namespace {

bool is_half(const Value* value) {
    return value && value->type().is_tensor() && (value->type().dtype == DType::Float16 || value->type().dtype == DType::BFloat16);
}

/// What moves half numbers gives half numbers.
bool rounds(const Node& node) {
    const OpInfo* info = op_info(node);
    return node.subgraphs().empty() && !(info && info->data_flow == DataFlow::Selects);
}

struct Rounded {
    Value* value;
    DType half;
    const Node* before;  // behind its producer
};

Value* add_cast(Graph& graph, Value* value, DType dtype, const Node* before) {
    Node* cast = graph.add_node({.op_type = "Cast",
                                 .inputs = {value},
                                 .attributes = {{"to", static_cast<std::int64_t>(dtype), {}}},
                                 .outputs = {value->name() + "_rounded"}},
                                before);
    ValueType type = value->type();
    type.dtype = dtype;
    graph.set_type(cast->output(0), std::move(type));
    return cast->output(0);
}

}  // namespace

std::unique_ptr<Graph> emulate_half(const Graph& graph) {
    std::unique_ptr<Graph> copy = clone(graph);
    std::vector<Rounded> rounded;
    for_each_graph(*copy, [&](Graph& each) {
        const auto order = each.order();
        for (std::size_t at = 0; at < order.size(); ++at)
            for (Value* value : order[at]->outputs())
                if (is_half(value) && rounds(*order[at]))
                    rounded.push_back({value, value->type().dtype, at + 1 < order.size() ? order[at + 1] : nullptr});
    });
    FloatConversion widen;
    widen.to = DType::Float32;
    convert_floats(*copy, FloatPlan(*copy, widen, nullptr), widen);
    for (const Rounded& each : rounded) {
        if (each.value->type().dtype != DType::Float32) continue;  // it stays half, with kernels of its own
        Graph& owner = each.value->graph();
        Value* half = add_cast(owner, each.value, each.half, each.before);
        Value* wide = add_cast(owner, half, DType::Float32, each.before);
        owner.replace_all_uses(each.value, wide);
        owner.set_input(half->producer(), 0, each.value);
    }
    infer_types(*copy);
    return copy;
}

std::unique_ptr<Graph> round_constants(const Graph& graph, DType half) {
    std::unique_ptr<Graph> copy = clone(graph);
    for_each_graph(*copy, [&](Graph& each) {
        for (Value* value : each.constants())
            if (const Tensor* tensor = value->constant(); tensor && tensor->dtype() == DType::Float32)
                each.set_initializer(value, convert_floats(convert_floats(*tensor, half), DType::Float32));
    });
    return copy;
}

}  // namespace mcompress
