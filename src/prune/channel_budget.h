// How many units of each group go, for a share of the multiply-accumulates.
#pragma once

#include <cstdint>
#include <vector>

#include "passes/compress/channel_units.h"
#include "prune/budget.h"

namespace mcompress {

/// A group's units in the order in which they go, and what that costs: points by rising share of the group, straight lines between them.
struct ChannelCurve {
    std::vector<int> order;
    std::vector<ErrorPoint> errors;
};

struct ChannelBudget {
    std::int64_t macs = 0;  // what may be left
    /// Channels left are a multiple of it; up to 8, steps are at most a quarter of the group. 0: as many whole blocks of 16 go as bring about two thirds of what is to be
    /// saved in the multiply-accumulates of blocks, which is what kernels take their time for, and the rest in steps of 8.
    std::int64_t round_to = 0;
};

/// What of a graph's multiply-accumulates is left when units go: a product's shrink with the axes of its constant weight, those of a product of activations
/// with the axes of its result.
class ChannelMacs {
public:
    ChannelMacs(const Graph& graph, const ChannelUnits& units);

    /// How channels count: as they are, or as blocks of 16, the last of which may be partly empty.
    enum class Width { Channels, Blocks };

    std::int64_t total() const;
    std::int64_t left(const std::vector<bool>& removed, Width width = Width::Channels) const;

private:
    struct Product {
        double macs = 0.0;
        std::vector<std::vector<int>> axes;  // units
    };
    std::vector<Product> products_;
    double rest_ = 0.0;
};

/// Takes steps one after the other, each the one with the least error for the multiply-accumulates it saves, until no more than the budget is left. A group keeps an
/// eighth of its units and one step. The result may stay above the budget when nothing more can go. Deterministic.
std::vector<bool> spend_channel_budget(const ChannelUnits& units, const std::vector<ChannelCurve>& curves, const ChannelMacs& macs,
                                       const ChannelBudget& budget);

}  // namespace mcompress
