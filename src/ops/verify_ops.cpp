#include "ops/verify_ops.h"

#include "ops/arity.h"
#include "ops/attributes.h"
#include "ops/infer_graph.h"

namespace mcompress {

namespace {

/// An operator of a domain that the table covers in part stays opaque; one of the main domain is too new, too old or misspelt.
bool is_of_other_opset(const Node& node) { return node.domain().empty() && find_op("", node.op_type(), kVariadic) != nullptr; }

Finding missing_in_opset(const Node& node) {
    return {codes::kOperatorUnknown, node.label(), format("does not exist in opset {}, which the model imports", node.opset_version()),
            "an operator of that opset"};
}

void check_node(const Node& node, std::vector<Finding>& findings) {
    const auto add = [&](const ErrorCode& code, std::string found) { findings.push_back({code, node.label(), std::move(found)}); };
    if (node.opset_version() == 0 && node.domain() != "mcompress")
        add(codes::kModelInvalid,
            format("is of domain '{}', which the model does not import", node.domain().empty() ? "ai.onnx" : node.domain()));
    const OpInfo* row = op_info(node);
    if (!row) {
        if (is_of_other_opset(node)) findings.push_back(missing_in_opset(node));
        return;
    }
    if (auto problem = arity_problem(node, *row); !problem.empty()) return add(codes::kShapeInvalid, std::move(problem));
    try {
        if (row->check) row->check(node);
    } catch (const Error& error) {
        findings.push_back(finding_at(node.label(), error));
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
                add(codes::kShapeInvalid, format("gives {} for output '{}', which is declared as {}", outputs[index].to_string(),
                                                 value->name(), value->type().to_string()));
        }
    } catch (const Error& error) {
        findings.push_back(finding_at(node.label(), error));
    }
}

}  // namespace

std::vector<Finding> verify_types(const Graph& graph, const std::unordered_set<const Node*>& left_out) {
    InferenceFaults faults{{}, &left_out};
    GraphInference(DeclaredTypes::ShapesMayBeOld, &faults).run(graph, {}, 0);
    for_each_graph(const_cast<Graph&>(graph), [&](const Graph& each) {
        for (const Node* node : each.nodes()) {
            if (op_info(*node) || node->opset_version() == 0) continue;
            if (is_of_other_opset(*node)) faults.findings.push_back(missing_in_opset(*node));
            else
                faults.findings.push_back({codes::kOperatorUnknown, node->label(),
                                           format("is an operator of domain '{}' that is not known; it is carried along unchanged",
                                                  node->domain().empty() ? "ai.onnx" : node->domain()),
                                           "a published operator",
                                           "mcompress cannot run the model; check the spelling, or use a newer mcompress",
                                           Severity::Warning});
        }
    });
    return std::move(faults.findings);
}

std::vector<Finding> verify_ops(const Graph& graph) {
    std::vector<Finding> findings;
    for_each_graph(const_cast<Graph&>(graph), [&](const Graph& each) {
        for (const Node* node : each.order()) check_node(*node, findings);
    });
    return findings;
}

}  // namespace mcompress
