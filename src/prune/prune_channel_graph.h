// Pruning of whole channels, heads and hidden units: which go, for a share of what the model costs, and how the others make up for them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "passes/compress/channel_units.h"
#include "prune/prune_graph.h"

namespace mcompress {

enum class ChannelCriterion { Magnitude, Reconstruction, Random };

/// What a share of is to be kept. Latency is measured, so that results differ from run to run.
enum class ChannelGoal { Macs, Bytes, Latency };

struct ChannelPruneOptions {
    ChannelGoal goal = ChannelGoal::Macs;
    double keep = 0.8;
    std::int64_t round_to = 0;  // ChannelBudget
    ChannelCriterion criterion = ChannelCriterion::Magnitude;
    Repair repair = Repair::None;
    std::shared_ptr<const Dataset> data;  // null: magnitude or random, without repair
    int threads = 1;
    std::function<void(std::size_t done, std::size_t total)> progress = {};
};

struct ChannelPruneOutcome {
    std::int64_t macs_before = 0, macs_after = 0;
    std::optional<double> latency = {};  // goal latency: of one inference, measured, over the dense model's
    int units = 0, removed = 0;
    std::vector<LayerWidth> before, after;
    std::vector<LayerOutcome> layers;  // those that were repaired
    std::vector<Skip> skipped;         // products that keep all of their channels, and why
    std::optional<HeldOutFidelity> fidelity;
};

/// Prunes a prepared float graph with types. With data, each group's cost is measured at the model's outputs on held-out samples at four levels, the units in
/// the order of their least reconstruction error; layers are then repaired in the order of the data, each kept only where it helps on held-out samples.
/// Throws kUsage when nothing can be removed, the share cannot be reached, or the goal is latency and there is no data to run on.
ChannelPruneOutcome prune_channel_graph(Graph& graph, const ChannelPruneOptions& options);

}  // namespace mcompress
