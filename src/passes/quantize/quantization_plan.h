// Which nodes and values of a graph are quantized: the one decision that all passes of this folder share.
#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ir/graph.h"
#include "passes/pass.h"
#include "passes/quantize/op_rules.h"
#include "quant/scheme.h"

namespace mcompress {

/// A value that units read, in the graph of these units: its own, or a body that captures it and has a pair of its own for it there, since
/// kernels look for pairs in their graph.
struct ObservedValue {
    Value* value;
    Graph* graph;

    bool is_captured() const { return &value->graph() != graph; }
};

/// Of the graph and all its bodies. Observe nodes and Quantize/Dequantize pairs are looked through, so the plan is the same before and after they are inserted.
struct QuantizationPlan {
    /// Values that get parameters of their own, graph by graph, each behind the one around it, and in topological order: what quantized units read, and the results that an integer kernel
    /// writes. Results of PassThrough and Concat are not among them: their parameters follow from their inputs.
    std::vector<ObservedValue> observed;
    /// Units computed in integers (Compute, Arithmetic, Pooling, Concat), with their rules. Weights only: Compute nodes.
    std::unordered_map<const Node*, const OpRule*> units;
    /// Units that read one operand as floats, straight out of the accumulator in front of them (Target::residual_add): which one.
    std::unordered_map<const Node*, int> float_operands;
    /// PassThrough nodes between a quantized value and a unit that reads it.
    std::unordered_set<const Node*> carriers;
    /// Results of units (after an absorbed activation): every reader takes the dequantized value, or the kernel would have to write floats too.
    std::unordered_set<const Value*> unit_results;
    /// Values that a unit reads, directly or through carriers.
    std::unordered_set<const Value*> demanded;
    /// Units for which the target's integer kernels would not be used, so that quantizers around them only cost time; with the reason.
    std::vector<Skip> unfused;
    /// Nodes that compute with floats or move them, in the same order, each with its reason.
    std::vector<Skip> skipped;

    bool is_unit(const Node* node) const { return units.contains(node); }
    /// Of an activation input of a unit.
    bool takes_codes(const Node& unit, int index) const;
    /// Whether this input of a node takes the dequantized value when the value itself is not a unit's result.
    bool reads_quantized(const Use& use) const;
};

/// Writes the units that would not be fused into scheme.keep_float, until none is left. Those with 16-bit activations stay: they never are.
void keep_unfused_in_float(const Graph& graph, QuantizationScheme& scheme);

/// Throws kUsage for a name in scheme.exclude that no node has.
QuantizationPlan plan_quantization(const Graph& graph, const QuantizationScheme& scheme);

}  // namespace mcompress
