#include "ops/verify_ops.h"

#include "ops/arity.h"
#include "ops/attributes.h"
#include "ops/infer.h"

namespace mcompress {

namespace {

void check_node(const Node& node, std::vector<Finding>& findings) {
    const auto add = [&](std::string problem) {
        findings.push_back({format("node '{}' ({})", node.display_name(), node.op_type()), std::move(problem)});
    };
    if (node.opset_version() == 0 && node.domain() != "mcompress")
        add(format("is of domain '{}', which the model does not import", node.domain().empty() ? "ai.onnx" : node.domain()));
    const OpInfo* row = op_info(node);
    if (!row) {
        // An operator of a domain that the table covers in part stays opaque; one of the main domain is too new, too old or misspelt.
        if (node.domain().empty() && find_op("", node.op_type(), kVariadic))
            add(format("does not exist in opset {}, which the model imports", node.opset_version()));
        return;
    }
    if (auto problem = arity_problem(node, *row); !problem.empty()) return add(std::move(problem));
    try {
        if (row->check) row->check(node);
    } catch (const Error& error) {
        add(error.message());
        return;
    }
    // Types as they are stored: inference over the whole graph is infer_types.
    std::vector<ValueType> inputs;
    std::vector<const Tensor*> constants;
    for (const Value* value : node.inputs()) {
        inputs.push_back(value ? value->type() : ValueType{});
        constants.push_back(known_tensor(value));
    }
    try {
        const auto outputs = infer_node(node, inputs, constants);
        for (std::size_t index = 0; index < outputs.size(); ++index) {
            const Value* value = node.outputs()[index];
            if (value && !merge_types(outputs[index], value->type()))
                add(format("gives {} for output '{}', which is declared as {}", outputs[index].to_string(), value->name(),
                           value->type().to_string()));
        }
    } catch (const Error& error) {
        add(error.message());
    }
}

}  // namespace

std::vector<Finding> verify_ops(const Graph& graph) {
    std::vector<Finding> findings;
    for_each_graph(const_cast<Graph&>(graph), [&](const Graph& each) {
        for (const Node* node : each.order()) check_node(*node, findings);
    });
    return findings;
}

}  // namespace mcompress
