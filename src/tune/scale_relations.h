// What a positive factor for each channel does to an operator: which indices of its operands and results must share one, which constants take
// it in, and where it cannot pass.
#pragma once

#include <string_view>
#include <vector>

#include "passes/compress/axis_atoms.h"

namespace mcompress {

/// How a constant changes when the values at its atoms are multiplied by k.
enum class ScaleDirection {
    Along,   // multiplied by k too: weights and biases that produce the values
    Against  // divided by k: weights that read them
};

/// Element at (i0, i1, …) of input `input` of `node`, seen with extents `dims`, follows atoms[i0 strides[0] + i1 strides[1] + …].
struct ScaledConstant {
    Node* node = nullptr;
    int input = 0;
    std::vector<std::int64_t> dims;
    std::vector<std::int64_t> strides;  // 0: the factor is the same along this extent
    std::vector<Atom> atoms;
    ScaleDirection direction = ScaleDirection::Along;
};

/// Channels of `value` must stay inside the open interval (low, high), or a Clip would cut what it let through.
struct ClipBound {
    const Value* value = nullptr;  // the Clip's output
    double low = 0.0;              // 0 or less; 0 and infinities bind nothing
    double high = 0.0;
};

/// What the rules of all operators add to.
class ScaleRelations {
public:
    explicit ScaleRelations(const Graph& graph) : atoms(graph, AtomScope::Float32Activations) {}

    AxisAtoms atoms;
    std::vector<ScaledConstant> constants;
    std::vector<ClipBound> bounds;

    /// Index by index; axes without atoms or of different extents freeze each other.
    void join(const Node& node, const Value* a, int a_axis, const Value* b, int b_axis);
    /// All axes of two values of one shape.
    void join(const Node& node, const Value* a, const Value* b);
    void freeze(const Node& node, const Value* value, int axis, std::string_view clause);
    void freeze(const Node& node, const Value* value, std::string_view clause);
    /// All axes but one.
    void freeze_others(const Node& node, const Value* value, int axis, std::string_view clause);
    /// Inputs and outputs.
    void freeze(const Node& node, std::string_view clause);

    /// A constant follows atoms; they freeze when it is no float32 constant, does not have the elements, or is large and read by others too.
    void scale(ScaledConstant constant);
    /// As above along one axis of the constant as it is stored.
    void scale_along(Node& node, int input, int axis, std::span<const Atom> atoms, ScaleDirection direction);
    /// A constant operand that is broadcast to `value`: along every axis that it has in full it follows the atoms of the value; along the
    /// others `once` is what a factor would break, and the axis freezes (nothing when the operator does not mind).
    void scale_broadcast(Node& node, int input, const Value* value, ScaleDirection direction, std::string_view once);
};

struct ScaleRule {
    std::string_view op;  // of the default domain
    void (*relate)(Node&, ScaleRelations&);
};

/// Rules of operators that compute, and of operators that move elements.
std::span<const ScaleRule> compute_scale_rules();
std::span<const ScaleRule> layout_scale_rules();

/// Applies the rule of every node; operators without one, bodies and the graph's interface freeze what they touch.
ScaleRelations relate_scales(const Graph& graph);

}  // namespace mcompress
