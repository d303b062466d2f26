// Which channels go for a goal: a share of the multiply-accumulates, of the bytes, or of the measured time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "prune/channel_budget.h"
#include "prune/prune_channel_graph.h"

namespace mcompress {

/// What is to choose from. The engine is for the goal latency alone.
struct ChannelChoice {
    const Graph& graph;
    const Graph& dense;
    const ChannelUnits& units;
    const std::vector<ChannelCurve>& curves;
    const Engine* engine = nullptr;
};

struct ChosenChannels {
    std::optional<std::vector<bool>> removed = {};  // by unit
    std::optional<double> latency = {};             // goal latency: measured, over the dense model's
    std::string problem = {};                       // why there are none
};

ChosenChannels choose_channels(const ChannelChoice& choice, const ChannelPruneOptions& options);

}  // namespace mcompress
