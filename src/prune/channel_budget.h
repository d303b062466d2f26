// How many units of each group go, for a share of what the model costs.
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

/// What is to become less.
enum class ChannelCost { Macs, Bytes };

struct ChannelBudget {
    std::int64_t left = 0;  // what may be left of the cost
    /// Channels left are a multiple of it; up to 8, steps are at most a quarter of the group. 0: as many whole blocks of 16 go as bring about two thirds of what is to be
    /// saved in the multiply-accumulates of blocks, which is what kernels take their time for, and the rest in steps of 8.
    std::int64_t round_to = 0;
};

/// What of a graph's cost is left when units go. Multiply-accumulates: a product's shrink with the axes of its constant weight, those of a product of
/// activations with the axes of its result. Bytes: those of constants, with their axes.
class ChannelCosts {
public:
    ChannelCosts(const Graph& graph, const ChannelUnits& units, ChannelCost cost = ChannelCost::Macs);

    /// How channels count: as they are, or as blocks of 16, the last of which may be partly empty.
    enum class Width { Channels, Blocks };

    std::int64_t total() const;
    std::int64_t left(const std::vector<bool>& removed, Width width = Width::Channels) const;

private:
    struct Part {
        double cost = 0.0;
        std::vector<std::vector<int>> axes;  // units
    };
    void add(Part part);
    void count_products(const Graph& graph, const ChannelUnits& units);
    void count_bytes(const Graph& graph, const ChannelUnits& units);

    std::vector<Part> parts_;
    double rest_ = 0.0;
};

/// Takes steps one after the other, each the one with the least error for what it saves, until no more than the budget is left. A group keeps an
/// eighth of its units and one step. The result may stay above the budget when nothing more can go. Deterministic.
std::vector<bool> spend_channel_budget(const ChannelUnits& units, const std::vector<ChannelCurve>& curves, const ChannelCosts& costs,
                                       const ChannelBudget& budget);

}  // namespace mcompress
