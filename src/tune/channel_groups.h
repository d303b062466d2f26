// Channels that can be multiplied by a positive factor each without changing what a model computes, because constants around them take the factors in.
#pragma once

#include <string>
#include <vector>

#include "tune/scale_relations.h"

namespace mcompress {

/// A value and the one axis of it that has factors.
struct ChannelAxis {
    const Value* value = nullptr;
    int axis = 0;
    std::vector<int> channels;  // for every index the channel it belongs to; -1: its factor is 1
};

/// As ScaledConstant, with channels for atoms.
struct ChannelConstant {
    Node* node = nullptr;
    int input = 0;
    std::vector<std::int64_t> dims;
    std::vector<std::int64_t> strides;
    std::vector<int> channels;  // -1: its factor is 1
    ScaleDirection direction = ScaleDirection::Along;
};

/// Channels that meet in some value, so that they share its range: the outputs of a convolution up to what reads them, a residual stream.
struct ChannelGroup {
    std::vector<int> channels;      // ascending
    std::vector<ChannelAxis> axes;  // every value they lie in, in topological order
    std::vector<ClipBound> bounds;  // of these values
};

/// A value whose channels have no factors, and why.
struct FrozenChannels {
    std::string value;
    std::string reason;  // "'sigmoid_3' (Sigmoid): no factor passes through it"
};

struct ChannelGroups {
    int channel_count = 0;  // channels are numbered [0, channel_count)
    std::vector<ChannelGroup> groups;
    std::vector<ChannelConstant> constants;
    std::vector<FrozenChannels> frozen;  // results of products with constant weights
};

/// Of the graph itself; its bodies keep their numbers. Types must be inferred. Values in `fixed` (by name) keep their numbers too.
ChannelGroups find_channel_groups(const Graph& graph, const std::vector<std::string>& fixed = {});

}  // namespace mcompress
