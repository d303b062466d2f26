#include "conformance/case_runs.h"

#include <algorithm>

#include "engine/engine.h"
#include "engine/reference/kernel.h"
#include "ops/infer.h"
#include "support/error.h"

namespace mcompress::testing {

namespace {

/// What the oneDNN engine makes of inputs that the plain kernel takes: its primitives and routines see the same odd shapes.
void run_in_engine(Graph& graph, const Node& node, const std::vector<Tensor>& inputs) {
    std::vector<Tensor> given;
    for (Value* input : graph.inputs()) {
        const auto at = std::ranges::find(node.inputs(), input) - node.inputs().begin();
        if (at == node.input_count() || !inputs[static_cast<std::size_t>(at)].defined()) return;
        given.push_back(inputs[static_cast<std::size_t>(at)]);
        graph.set_type(input, ValueType::tensor(given.back().dtype(), given.back().shape()));
    }
    infer_types(graph);
    (void)make_onednn_engine()->compile(graph, {})->run(given);
}

}  // namespace

std::vector<Tensor> inputs_of(const Node& node, const TextCase& text_case) {
    std::vector<Tensor> inputs(static_cast<std::size_t>(node.input_count()));
    for (std::size_t index = 0; index < inputs.size(); ++index)
        for (const auto* list : {&text_case.inputs, &text_case.constants})
            for (const auto& each : *list)
                if (node.inputs()[index] && node.inputs()[index]->name() == each.name) inputs[index] = each.tensor;
    return inputs;
}

std::string run_single_node(Graph& graph, const Node& node, const std::vector<Tensor>& inputs) {
    std::vector<ValueType> types;
    for (const Tensor& tensor : inputs) types.push_back(tensor.defined() ? ValueType::tensor(tensor.dtype(), tensor.shape()) : ValueType{});
    try {
        (void)infer_node(node, types, std::vector<const Tensor*>(inputs.size(), nullptr));
        (void)evaluate_node(node, inputs);
        run_in_engine(graph, node, inputs);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::Internal) return error.what();
    }
    return {};
}

}  // namespace mcompress::testing
