#include "search/fallback.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "support/format.h"

namespace mcompress {
namespace {

/// What one node left in float costs beside its multiply-accumulates, as a share of those of the model.
constexpr double kNodeCost = 0.02;

using Names = std::unordered_set<std::string>;

/// What share of the model's multiply-accumulates each unit has. Units without weights of their own have no products.
class UnitShares {
public:
    UnitShares(std::span<const NoiseSource> sources, std::int64_t total_macs)
        : total_(static_cast<double>(std::max<std::int64_t>(total_macs, 1))) {
        for (const NoiseSource& source : sources) {
            if (source.units.size() != 1) continue;
            std::int64_t& macs = macs_[source.units[0]];
            macs = std::max(macs, source.macs);
        }
    }

    template <typename Units> double share_of(const Units& units) const {
        double sum = 0.0;
        for (const std::string& unit : units)
            if (const auto found = macs_.find(unit); found != macs_.end()) sum += static_cast<double>(found->second);
        return sum / total_;
    }

private:
    double total_;
    std::unordered_map<std::string, std::int64_t> macs_;
};

class Greedy {
public:
    Greedy(std::span<const NoiseSource> sources, std::span<const double> effects, std::int64_t total_macs)
        : sources_(sources), effects_(effects), macs_(sources, total_macs) {
        for (std::size_t at = 0; at < sources.size(); ++at) {
            whole_ += effects[at];
            for (const std::string& unit : sources[at].units) of_unit_[unit].push_back(at);
        }
    }

    std::vector<FallbackStep> run() {
        std::vector<FallbackStep> steps;
        while (true) {
            std::size_t best = sources_.size();
            double best_ratio = 0.0;
            for (std::size_t at = 0; at < sources_.size(); ++at) {
                if (left_in_float(at)) continue;
                const double ratio = gain(at) / cost(at);
                if (ratio > best_ratio) {
                    best = at;
                    best_ratio = ratio;
                }
            }
            if (best == sources_.size()) return steps;
            steps.push_back(take(best));
        }
    }

private:
    bool is_float(const std::string& unit) const { return float_.contains(unit); }

    bool left_in_float(std::size_t at) const {
        const auto& units = sources_[at].units;
        return std::all_of(units.begin(), units.end(), [&](const std::string& unit) { return is_float(unit); });
    }

    std::vector<std::string> new_nodes(std::size_t at) const {
        std::vector<std::string> nodes;
        for (const std::string& unit : sources_[at].units)
            if (!is_float(unit)) nodes.push_back(unit);
        return nodes;
    }

    /// This source and all others that vanish with it.
    std::vector<std::size_t> vanishing(std::size_t at) const {
        const std::vector<std::string> nodes = new_nodes(at);
        const auto goes = [&](const std::string& unit) {
            return is_float(unit) || std::find(nodes.begin(), nodes.end(), unit) != nodes.end();
        };
        std::set<std::size_t> touched;
        for (const std::string& unit : nodes) touched.insert(of_unit_.at(unit).begin(), of_unit_.at(unit).end());
        std::vector<std::size_t> found;
        for (const std::size_t other : touched)
            if (std::all_of(sources_[other].units.begin(), sources_[other].units.end(), goes)) found.push_back(other);
        return found;
    }

    double gain(std::size_t at) const {
        double sum = 0.0;
        for (const std::size_t other : vanishing(at)) sum += effects_[other];
        return sum;
    }

    /// What has to have 16 bits for the units of a value to compute with so many: what vanishes with it, and what they give, whose type is that of a unit.
    std::vector<std::string> values_of(std::size_t at) const {
        const NoiseSource& source = sources_[at];
        std::vector<std::string> values;
        if (source.kind == NoiseSource::Kind::Weight) return values;
        std::set<std::size_t> chosen;
        for (const std::size_t other : vanishing(at)) chosen.insert(other);
        for (std::size_t other = 0; other < sources_.size(); ++other) {
            const auto& writers = sources_[other].writers;
            const bool is_result = std::any_of(writers.begin(), writers.end(), [&](const std::string& writer) {
                return std::find(source.units.begin(), source.units.end(), writer) != source.units.end();
            });
            if (is_result) chosen.insert(other);
        }
        for (const std::size_t other : chosen) values.insert(values.end(), sources_[other].values.begin(), sources_[other].values.end());
        return values;
    }

    double cost(std::size_t at) const {
        const std::vector<std::string> nodes = new_nodes(at);
        return macs_.share_of(nodes) + kNodeCost * static_cast<double>(nodes.size());
    }

    FallbackStep take(std::size_t at) {
        const NoiseSource& source = sources_[at];
        FallbackStep step{source.name, source.op, source.kind, new_nodes(at), gain(at) / whole_, 0.0, source.units, values_of(at)};
        spent_ += macs_.share_of(step.nodes);
        step.macs_share = spent_;
        float_.insert(step.nodes.begin(), step.nodes.end());
        return step;
    }

    std::span<const NoiseSource> sources_;
    std::span<const double> effects_;
    UnitShares macs_;
    double whole_ = 0.0;
    double spent_ = 0.0;
    std::unordered_map<std::string, std::vector<std::size_t>> of_unit_;
    Names float_;
};

}  // namespace

std::vector<FallbackStep> order_fallbacks(std::span<const NoiseSource> sources, std::span<const double> effects, std::int64_t total_macs) {
    return Greedy(sources, effects, total_macs).run();
}

void count_shares(std::span<FallbackStep> steps, std::span<const NoiseSource> sources, std::int64_t total_macs) {
    const UnitShares shares(sources, total_macs);
    std::set<std::string> in_float, wide;
    for (FallbackStep& step : steps) {
        (step.wide ? wide : in_float).insert(step.units.begin(), step.units.end());
        std::vector<std::string> only_wide;
        std::set_difference(wide.begin(), wide.end(), in_float.begin(), in_float.end(), std::back_inserter(only_wide));
        step.macs_share = shares.share_of(in_float);
        step.wide_macs_share = shares.share_of(only_wide);
    }
}

QuantizationScheme with_fallbacks(const QuantizationScheme& scheme, std::span<const FallbackStep> steps, std::size_t count,
                                  const std::string& why) {
    QuantizationScheme result = scheme;
    for (const FallbackStep& step : steps.first(std::min(count, steps.size()))) {
        if (step.wide) {
            for (const std::string& value : step.values) result.activation_dtypes[value] = *step.wide;
            continue;
        }
        const std::string reason = format("{}: 8 bits for {} '{}' made up {:.1f} % of the error", why,
                                          step.kind == NoiseSource::Kind::Weight ? "weights of" : "value", step.source, 100.0 * step.share);
        for (const std::string& node : step.nodes) result.keep_float.emplace(node, reason);
        for (const std::string& node : step.units) result.keep_float.emplace(node, reason);  // a step before it may not have kept them
    }
    return result;
}

FewestResult find_fewest(std::size_t count, std::size_t guess, double limit, double at_none,
                         const std::function<double(std::size_t steps)>& measure) {
    FewestResult result;
    if (at_none <= limit) return {true, 0, {}};
    const auto meets = [&](std::size_t steps) {
        const double measured = measure(steps);
        result.tries.push_back({steps, measured, measured <= limit});
        return result.tries.back().met;
    };
    std::size_t fails = 0, met = count + 1, stride = 1;
    std::size_t next = std::clamp<std::size_t>(guess, 1, std::max<std::size_t>(count, 1));
    while (count > 0 && met == count + 1 && fails < count) {
        if (meets(next)) met = next;
        else fails = next;
        next = std::min(count, fails + stride);
        stride *= 2;
    }
    if (met == count + 1) return result;
    for (stride = 1; met - fails > 1 && fails == 0; stride *= 2) {
        const std::size_t lower = met > stride ? met - stride : met / 2;
        if (lower == 0) break;
        if (meets(lower)) met = lower;
        else fails = lower;
    }
    while (met - fails > 1) {
        const std::size_t middle = fails + (met - fails) / 2;
        if (meets(middle)) met = middle;
        else fails = middle;
    }
    result.met = true;
    result.steps = met;
    return result;
}

}  // namespace mcompress
