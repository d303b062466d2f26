// What removing an index along an axis takes with it: which indices of operands and results an operator ties together, which integers count them,
// and where nothing can be removed.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "passes/compress/axis_atoms.h"

namespace mcompress {

/// An axis whose index is made of the indices of several parts, the outermost first: channels seen as [heads, size]. What is removed from it must be
/// whole indices of one part; the others keep theirs.
struct CompositeAxis {
    const Node* node = nullptr;
    std::vector<Atom> whole;
    std::vector<std::vector<Atom>> parts;
};

/// An integer of a node that is the number of some atoms: `group`, an element of a Reshape's target, the end of a Slice.
struct CountedInteger {
    enum class Sign { Positive, Negative };

    Node* node = nullptr;
    int input = -1;         // -1: an attribute
    std::string attribute;  // its name
    int index = -1;         // element of a list; -1: the attribute is one integer
    std::vector<Atom> atoms;
    Sign sign = Sign::Positive;
};

/// A constant input whose elements are indices along an axis.
struct IndexedInput {
    Node* node = nullptr;
    int input = 0;
    std::vector<Atom> along;
};

/// Whether axes that LayerNormalization and its kin normalize over may lose indices, which changes what they compute of the others.
enum class NormalizedAxes { Keep, MayShrink };

/// What the rules of all operators add to. Every constant operand has atoms of its own for each node that reads it.
class ChannelRelations {
public:
    ChannelRelations(Graph& graph, NormalizedAxes normalized);

    AxisAtoms atoms;
    NormalizedAxes normalized_axes;
    std::vector<CompositeAxis> composites;
    std::vector<CountedInteger> counts;
    std::vector<IndexedInput> indices;
    /// Split nodes without a list of sizes: they need one as soon as their parts differ.
    std::vector<Node*> equal_splits;
    /// Axes along which attention heads lie: of several parts of an axis they are the ones to remove.
    std::vector<Atom> heads;

    /// Of an input: a constant's own, or those of the value. None when absent (or the index negative) or not known.
    Axes in(const Node& node, int input) const;
    Axes out(const Node& node, int output) const { return atoms.axes(node.output(output)); }
    /// None when the axis is out of range.
    static std::span<const Atom> at(Axes axes, int axis);

    /// Index by index; axes of different extents freeze each other.
    void join(const Node& node, std::span<const Atom> a, std::span<const Atom> b);
    /// All axes; of different ranks they freeze each other.
    void join(const Node& node, Axes a, Axes b);
    /// An operand's axes, the last ones of the result's; those of extent 1 have nothing to join.
    void join_broadcast(const Node& node, Axes operand, Axes result);
    void freeze(const Node& node, std::span<const Atom> axis, std::string_view clause) { atoms.freeze(axis, {&node, clause}); }
    void freeze(const Node& node, Axes axes, std::string_view clause);
    /// All axes but one.
    void freeze_others(const Node& node, Axes axes, int axis, std::string_view clause);
    /// Inputs and outputs.
    void freeze(const Node& node, std::string_view clause);
    /// Lists of sizes, masks, parameters: inputs from `first` on.
    void freeze_inputs(const Node& node, int first, std::string_view clause);
    /// Parts of extent 1 are left out; the extents' product must be that of the whole, or all freeze.
    void compose(const Node& node, std::span<const Atom> whole, std::vector<std::vector<Atom>> parts);
    void count_attribute(Node& node, std::string_view attribute, std::span<const Atom> axis);
    /// Element `index` of the list input `input`, or of the attribute when the input is -1. Freezes the atoms when the element cannot be rewritten.
    void count_element(Node& node, int input, std::string_view attribute, int index, std::span<const Atom> axis,
                       CountedInteger::Sign sign = CountedInteger::Sign::Positive);

private:
    std::unordered_map<const Node*, std::vector<std::vector<std::vector<Atom>>>> constants_;  // node → input → axis → atoms
};

struct ChannelRule {
    std::string_view domain;
    std::string_view op;
    void (*relate)(Node&, ChannelRelations&);
};

/// Rules of operators that compute, that move elements, and of recurrent and attention operators.
std::span<const ChannelRule> compute_channel_rules();
std::span<const ChannelRule> layout_channel_rules();
std::span<const ChannelRule> sequence_channel_rules();

/// Applies the rule of every node; operators without one, bodies and the graph's interface freeze what they touch. Types must be inferred.
ChannelRelations relate_channels(Graph& graph, NormalizedAxes normalized);

}  // namespace mcompress
