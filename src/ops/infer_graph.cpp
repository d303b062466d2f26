#include "ops/infer_graph.h"

#include "ops/attributes.h"
#include "ops/bodies.h"
#include "ops/propagate.h"
#include "ops/shape.h"

namespace mcompress {

namespace {

constexpr int kDeepestBody = 64;

// Inferred knowledge first; declared extents where nothing is inferred. Never a contradiction.
ValueType fill_gaps(ValueType inferred, const ValueType& declared) {
    if (auto merged = merge_types(inferred, declared)) return std::move(*merged);
    return inferred;
}

/// Not in the element type, which would make it another computation.
bool differ_in_shape(const ValueType& inferred, const ValueType& declared) {
    return inferred.is_tensor() && declared.is_tensor() &&
           (inferred.dtype == declared.dtype || declared.dtype == DType::Undefined || inferred.dtype == DType::Undefined);
}

}  // namespace

std::vector<ValueType> bind_inputs(const Graph& graph, const std::map<std::string, Shape>& shapes) {
    std::vector<ValueType> types;
    std::size_t used = 0;
    for (const Value* input : graph.inputs()) {
        const auto found = shapes.find(input->name());
        types.push_back(input->type());
        if (found == shapes.end()) continue;
        ++used;
        const ValueType given = ValueType::tensor(DType::Undefined, found->second);
        auto merged = merge_types(types.back(), given);
        if (!merged)
            fail(codes::kDataMismatch, "input '{}' has shape {}, the model declares {}", input->name(), found->second.to_string(),
                 types.back().to_string());
        types.back() = std::move(*merged);
    }
    if (used != shapes.size())
        for (const auto& [name, shape] : shapes) {
            const Value* value = graph.find_value(name);
            if (!value || !value->is_graph_input()) fail(codes::kDataMismatch, "the model has no input '{}'", name);
        }
    return types;
}

std::vector<ValueType> GraphInference::run(const Graph& graph, std::span<const ValueType> inputs, int depth) {
    if (depth > kDeepestBody) fail(codes::kNestingTooDeep, "graph '{}' is nested more than {} levels deep", graph.name(), kDeepestBody);
    const auto declared = graph.inputs();
    for (std::size_t index = 0; index < declared.size(); ++index) {
        const ValueType& type = declared[index]->type();
        result.types[declared[index]] = index < inputs.size() ? fill_gaps(inputs[index], type) : type;
    }
    for (const Value* value : graph.constants()) result.types[value] = value->type();
    for (const Node* node : graph.order()) visit(*node, depth);
    std::vector<ValueType> outputs;
    for (const Value* value : graph.outputs()) outputs.push_back(result.type(value));
    return outputs;
}

void GraphInference::visit(const Node& node, int depth) {
    if (!faults_) return infer(node, depth);
    const auto take_declared = [&] {
        for (const Value* value : node.outputs())
            if (value) result.types.emplace(value, value->type());
    };
    if (faults_->left_out && faults_->left_out->contains(&node)) return take_declared();
    try {
        infer(node, depth);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::Internal) throw;
        faults_->findings.push_back(finding_at(node.label(), error));
        take_declared();
    }
}

void GraphInference::infer(const Node& node, int depth) {
    std::vector<ValueType> inputs;
    std::vector<const Tensor*> constants;
    std::vector<const IntegerValues*> integers;
    for (const Value* value : node.inputs()) {
        inputs.push_back(value ? result.type(value) : ValueType{});
        constants.push_back(known_value(value));
        integers.push_back(known_integers(value));
    }
    const auto bodies = infer_bodies(node, inputs, depth);
    std::vector<ValueType> outputs = infer_node_with(node, {inputs, constants, integers, bodies});
    for (std::size_t index = 0; index < outputs.size(); ++index)
        if (Value* value = node.outputs()[index]) take_output(node, value, std::move(outputs[index]));
    learn_value(node, inputs, integers);
}

std::vector<std::vector<ValueType>> GraphInference::infer_bodies(const Node& node, std::span<const ValueType> inputs, int depth) {
    std::vector<std::vector<ValueType>> types;
    const auto bodies = node.subgraphs();
    if (bodies.empty()) return types;
    const auto given = body_input_types(node, inputs);
    std::optional<Error> problem;
    for (const Graph* body : bodies) {
        try {
            types.push_back(run(*body, given, depth + 1));
        } catch (const Error& error) {
            // For given input shapes one branch of an If may be impossible: it is then the one that does not run.
            if (declared_ != DeclaredTypes::FillGaps || !node.is("If") || problem) throw;
            problem = error;
            types.emplace_back();
        }
    }
    return types;
}

void GraphInference::take_output(const Node& node, Value* value, ValueType inferred) {
    if (declared_ == DeclaredTypes::FillGaps) {
        result.types[value] = fill_gaps(std::move(inferred), value->type());
        return;
    }
    auto merged = merge_types(inferred, value->type());
    if (!merged && declared_ == DeclaredTypes::ShapesMayBeOld && differ_in_shape(inferred, value->type())) {
        if (faults_)
            faults_->findings.push_back(
                {codes::kShapeInvalid, node.label(),
                 format("gives '{}' as {}, the model declares {}", value->name(), inferred.to_string(), value->type().to_string()),
                 "a declaration that is true", "what the operator gives is taken; mcompress optimize writes it down", Severity::Warning});
        merged = std::move(inferred);
    }
    if (!merged)
        fail(codes::kShapeInvalid, "{}: the model declares '{}' as {}, but it is {}", node.label(), value->name(),
             value->type().to_string(), inferred.to_string());
    result.types[value] = std::move(*merged);
}

// Values known before execution: constants by node, and what is computed from shapes.
void GraphInference::learn_value(const Node& node, std::span<const ValueType> inputs, std::span<const IntegerValues* const> integers) {
    const Value* value = node.output(0);
    if (!value) return;
    if (node.is("Constant")) {
        const ConstantAttrs attrs = ConstantAttrs::read(node);
        if (attrs.value.defined()) result.known_values[value] = attrs.value;
        return;
    }
    if (node.is("Identity") || node.is("mcompress", "Observe")) {
        if (const Tensor* tensor = known_value(node.input(0))) {
            result.known_values[value] = *tensor;
            return;
        }
    }
    auto learned = propagate_integers(node, inputs, integers, result.type(value));
    if (!learned) return;
    if (auto tensor = learned->tensor()) result.known_values[value] = std::move(*tensor);
    integers_[value] = std::move(*learned);
}

const Tensor* GraphInference::known_value(const Value* value) const {
    if (!value) return nullptr;
    if (const Tensor* constant = value->constant()) return constant;
    const auto found = result.known_values.find(value);
    return found == result.known_values.end() ? nullptr : &found->second;
}

const IntegerValues* GraphInference::known_integers(const Value* value) {
    if (!value) return nullptr;
    const auto found = integers_.find(value);
    if (found != integers_.end()) return &found->second;
    const Tensor* tensor = known_value(value);
    auto values = tensor ? IntegerValues::of(*tensor) : std::nullopt;
    return values ? &(integers_[value] = std::move(*values)) : nullptr;
}

}  // namespace mcompress
