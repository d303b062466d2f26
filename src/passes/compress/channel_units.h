// The smallest sets of channels that can be removed from a graph together, and what cannot be removed, with reasons.
#pragma once

#include <string>
#include <vector>

#include "passes/compress/channel_relations.h"
#include "passes/pass.h"

namespace mcompress {

/// An axis of an activation (input < 0) or of a constant operand, and the unit each of its indices belongs to; -1: it stays.
struct UnitAxis {
    Node* node = nullptr;  // whose output or constant input it is
    int output = 0;
    int input = -1;
    int axis = 0;
    std::vector<int> units;
};

/// Units that lie along the same axes, so that they can stand for each other: the channels of a layer or of a residual stream, heads.
struct UnitGroup {
    std::vector<int> units;  // ascending
    std::string name;        // of the first value in topological order that they lie in
};

/// Valid as long as the graph is not changed.
struct ChannelUnits {
    explicit ChannelUnits(ChannelRelations related) : relations(std::move(related)) {}

    ChannelRelations relations;
    int count = 0;  // units are numbered [0, count)
    std::vector<UnitAxis> axes;
    std::vector<UnitGroup> groups;
    std::vector<Skip> frozen;  // products none of whose output channels can be removed

    /// -1 for an atom that stays.
    std::vector<int> units_of(std::span<const Atom> atoms) const;

    std::vector<int> unit_of_root;  // by atom
};

/// Types must be inferred. Where several parts of an axis could carry what is removed, heads do, or the longest part.
ChannelUnits find_channel_units(Graph& graph, NormalizedAxes normalized = NormalizedAxes::Keep);

/// A product with constant weights and how many output channels (of an attention: columns, of a recurrent operator: hidden units) it has.
struct LayerWidth {
    std::string node;
    std::string op;
    std::int64_t channels = 0;
};
/// Of the graph itself, in topological order; those of unknown width left out.
std::vector<LayerWidth> layer_widths(const Graph& graph);

/// The wanted units (by number) without those that would leave an axis empty, in order.
std::vector<bool> choosable(const ChannelUnits& units, const std::vector<int>& wanted);

}  // namespace mcompress
