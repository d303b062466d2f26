// Inference of one graph and its bodies, node by node.
#pragma once

#include <unordered_set>

#include "ir/finding.h"
#include "ops/infer.h"

namespace mcompress {

/// Everything inference may use of a node's surroundings.
struct NodeKnowledge {
    std::span<const ValueType> inputs;
    std::span<const Tensor* const> constants;
    std::span<const IntegerValues* const> integers;
    std::span<const std::vector<ValueType>> body_types;
};

std::vector<ValueType> infer_node_with(const Node& node, const NodeKnowledge& known);

/// Where broken rules are noted in place of being thrown: what a node's outputs are declared as then stands for what they are.
struct InferenceFaults {
    std::vector<Finding> findings;
    const std::unordered_set<const Node*>* left_out = nullptr;  // nodes that are not looked at
};

class GraphInference {
public:
    explicit GraphInference(DeclaredTypes declared, InferenceFaults* faults = nullptr) : declared_(declared), faults_(faults) {}

    InferredTypes result;

    /// Infers every value of the graph; `inputs` are the types of its inputs. Returns the types of its outputs.
    /// Throws kNestingTooDeep beyond 64 levels of bodies.
    std::vector<ValueType> run(const Graph& graph, std::span<const ValueType> inputs, int depth);

private:
    void visit(const Node& node, int depth);
    void infer(const Node& node, int depth);
    std::vector<std::vector<ValueType>> infer_bodies(const Node& node, std::span<const ValueType> inputs, int depth);
    void take_output(const Node& node, Value* value, ValueType inferred);
    void learn_value(const Node& node, std::span<const ValueType> inputs, std::span<const IntegerValues* const> integers);
    const Tensor* known_value(const Value* value) const;
    const IntegerValues* known_integers(const Value* value);

    DeclaredTypes declared_;
    InferenceFaults* faults_;
    std::unordered_map<const Value*, IntegerValues> integers_;
};

/// Declared types of the graph's inputs, with the shapes given by name put in. Throws kDataMismatch.
std::vector<ValueType> bind_inputs(const Graph& graph, const std::map<std::string, Shape>& shapes);

}  // namespace mcompress
