#include "prune/channel_choice.h"

#include <algorithm>

#include "ir/clone.h"
#include "ops/cost.h"
#include "passes/compress/remove_channels.h"
#include "passes/pipelines.h"
#include "prune/latency_ratio.h"
#include "support/error.h"
#include "support/log.h"

namespace mcompress {
namespace {

constexpr int kCorrections = 8;                             // of the estimate of what is left
constexpr std::int64_t kFineStep = 8;                       // bytes gain nothing by whole blocks
constexpr std::int64_t kCountable = std::int64_t{1} << 53;  // exact as double
constexpr int kLatencyRounds = 7;
constexpr double kLatencySeconds = 0.5;

class Choosing {
public:
    Choosing(const ChannelChoice& choice, const ChannelPruneOptions& options) : choice_(choice), options_(options) {}

    ChosenChannels choose() const {
        if (options_.goal == ChannelGoal::Latency) return choose_by_latency();
        const ChannelCost cost = options_.goal == ChannelGoal::Bytes ? ChannelCost::Bytes : ChannelCost::Macs;
        if (auto reached = reach(cost, options_.keep)) return {.removed = std::move(reached->removed)};
        return {.problem = format("the model cannot be brought to {:.1f} % of its {}", 100.0 * options_.keep, plural_of(cost))};
    }

private:
    struct Reached {
        std::vector<bool> removed;
        std::unique_ptr<Graph> smaller;
    };

    std::unique_ptr<Graph> without(const std::vector<bool>& removed) const {
        std::unique_ptr<Graph> smaller = clone(choice_.graph);
        const ChannelUnits units = find_channel_units(*smaller);
        remove_channels(*smaller, units, removed);
        run_pipeline("sweep", *smaller, {});
        return smaller;
    }

    static const char* plural_of(ChannelCost cost) { return cost == ChannelCost::Bytes ? "bytes" : "multiply-accumulates"; }

    static std::int64_t measured(const Graph& graph, ChannelCost cost) {
        const GraphCost found = measure_cost(graph);
        return cost == ChannelCost::Bytes ? found.parameter_bytes : found.macs;
    }

    /// What is really left is measured on a copy; the estimate is corrected by the difference.
    std::optional<Reached> reach(ChannelCost cost, double share) const {
        const ChannelCosts costs(choice_.graph, choice_.units, cost);
        const std::int64_t before = measured(choice_.dense, cost);
        if (before > kCountable) fail(codes::kTooLarge, "the model has more {} than can be shared out: {}", plural_of(cost), before);
        const auto target = static_cast<std::int64_t>(share * static_cast<double>(before));
        const std::int64_t step = cost == ChannelCost::Bytes && options_.round_to == 0 ? kFineStep : options_.round_to;
        ChannelBudget budget{target - before + costs.total(), step};
        for (int round = 0; round < kCorrections; ++round) {
            std::vector<bool> removed = spend_channel_budget(choice_.units, choice_.curves, costs, budget);
            std::unique_ptr<Graph> smaller = without(removed);
            const std::int64_t left = measured(*smaller, cost);
            if (left <= target) return Reached{std::move(removed), std::move(smaller)};
            budget.left -= std::max<std::int64_t>(1, left - target);
        }
        return std::nullopt;
    }

    /// The largest share of the multiply-accumulates that takes no longer, by halves. Kernels take their time by blocks of channels, so it is no line.
    ChosenChannels choose_by_latency() const {
        const LatencyRatio latency(*choice_.engine, choice_.dense, *options_.data, options_.threads);
        ChosenChannels best;
        double below = 0.0, above = 1.0, share = options_.keep, least = 1.0;
        for (int round = 0; round < kLatencyRounds; ++round, share = (below + above) / 2.0) {
            std::optional<Reached> reached = reach(ChannelCost::Macs, share);
            if (!reached) {
                below = share;
                continue;
            }
            const double ratio = latency.of(*reached->smaller, kLatencySeconds);
            log_debug("prune channels: {:.1f} % of the multiply-accumulates take {:.1f} % of the time", 100.0 * share, 100.0 * ratio);
            least = std::min(least, ratio);
            (ratio <= options_.keep ? below : above) = share;
            if (ratio <= options_.keep) best = {.removed = std::move(reached->removed), .latency = ratio};
        }
        if (!best.removed)
            best.problem = format("the model cannot be brought to {:.1f} % of its time: the least found was {:.1f} %",
                                  100.0 * options_.keep, 100.0 * least);
        return best;
    }

    const ChannelChoice& choice_;
    const ChannelPruneOptions& options_;
};

}  // namespace

ChosenChannels choose_channels(const ChannelChoice& choice, const ChannelPruneOptions& options) {
    return Choosing(choice, options).choose();
}

}  // namespace mcompress
