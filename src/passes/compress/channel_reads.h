// Which units the rest of a graph can do without.
#pragma once

#include <vector>

#include "passes/compress/channel_units.h"
#include "passes/compress/known_channels.h"

namespace mcompress {

/// A removed channel that is one number other than 0 and what it adds to each output of the product that reads it.
struct FoldedRead {
    Node* product = nullptr;
    std::vector<double> added;  // one an output channel, before the removal
};

struct DeadUnits {
    std::vector<bool> removed;  // one a unit; what is left on every axis is at least one index
    std::vector<FoldedRead> folded;
    std::vector<Skip> kept;  // products that need a dead channel after all, and products whose dead filters are frozen
};

/// A unit is dead when every product outside the dead units reads it with weights of zero, or reads a number that can be added to its bias. Of
/// several solutions this is the largest: units that only read each other are dead together.
DeadUnits find_dead_units(Graph& graph, const ChannelUnits& units, const KnownChannelTable& known, const Evaluator& evaluator);

}  // namespace mcompress
