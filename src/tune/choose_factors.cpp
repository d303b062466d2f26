#include "tune/choose_factors.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mcompress {

namespace {

/// Channels and weights this much smaller than the greatest ones get no larger factors for it: their noise is 24 dB lower already, and a channel that was
/// hardly ever active in the samples may be in others.
constexpr double kSmallest = 1.0 / 16.0;
/// With one step for all weights of a tensor, a channel of small weights has no other way out.
constexpr double kSmallestWeight = 1.0 / 256.0;

/// A group is left alone when its noise is expected to fall by less: other roundings of the same weights change as much, and evened channels are clipped more
/// often in samples unlike those there are.
constexpr double kWorthwhile = 0.95;

/// What a factor may be, from the Clips the channel passes.
struct FactorBound {
    double greatest = std::numeric_limits<double>::infinity();
    bool is_fixed = false;  // 1 and nothing else
};

/// A Clip at `bound` > 0 in front of which `seen` was the greatest number.
void apply_bound(FactorBound& factor, double bound, double seen, double reach) {
    if (!(bound > 0.0) || !std::isfinite(bound)) return;
    if (!(seen < bound)) factor.is_fixed = true;
    else if (seen > 0.0) factor.greatest = std::min(factor.greatest, std::max(1.0, bound / reach));
}

std::vector<FactorBound> find_bounds(const ChannelGroups& groups, const ChannelStatistics& statistics) {
    std::vector<FactorBound> bounds(static_cast<std::size_t>(groups.channel_count));
    for (const ChannelGroup& group : groups.groups)
        for (const ChannelAxis& axis : group.axes) {
            const std::vector<ChannelSummary>& seen = statistics.at(axis.value).channels;
            for (std::size_t index = 0; index < axis.channels.size(); ++index) {
                if (axis.channels[index] < 0) continue;
                FactorBound& bound = bounds[static_cast<std::size_t>(axis.channels[index])];
                if (!std::isfinite(seen[index].min) || !std::isfinite(seen[index].max)) bound.is_fixed = true;
                for (const ClipBound& clip : group.bounds)
                    if (clip.value == axis.value) {
                        apply_bound(bound, clip.high, static_cast<double>(seen[index].max), reach_of(statistics.at(axis.value), index));
                        apply_bound(bound, -clip.low, -static_cast<double>(seen[index].min), reach_of(statistics.at(axis.value), index));
                    }
            }
        }
    return bounds;
}

/// Geometric mean of the positive ones; 1 when there is none.
double typical(const std::vector<double>& values) {
    double sum = 0.0;
    std::size_t count = 0;
    for (const double value : values)
        if (value > 0.0) {
            sum += std::log(value);
            ++count;
        }
    return count == 0 ? 1.0 : std::exp(sum / static_cast<double>(count));
}

/// Divided by the reference and bounded below.
std::vector<double> relative(std::vector<double> values, double reference, double smallest) {
    for (double& value : values) value = std::max(value / reference, smallest);
    return values;
}

/// Chooses for one group at a time.
class Chooser {
public:
    Chooser(const ChannelGroups& groups, const ChannelStatistics& statistics, const ChannelNoise& noise, Granularity weights)
        : groups_(groups), noise_(noise), weights_(weights), bounds_(find_bounds(groups, statistics)) {
        result_.factors.assign(static_cast<std::size_t>(groups.channel_count), 1.0);
    }

    ChosenFactors run() {
        std::vector<GroupChoice> choices(groups_.groups.size());
        const int rounds = weights_ == Granularity::PerTensor ? 3 : 1;
        for (int round = 0; round < rounds; ++round)
            for (std::size_t group = 0; group < choices.size(); ++group) {
                GroupChoice& choice = choices[group];
                const double before = noise_.of_group(group, result_.factors);
                if (round == 0) choice = {group, before, before, {}};
                if (std::optional<std::string> rule = improve(group, before)) choice.rule = std::move(*rule);
                choice.noise_after = best_noise_;
            }
        for (GroupChoice& choice : choices) {
            if (choice.rule.empty()) continue;
            if (choice.noise_after < kWorthwhile * choice.noise_before) result_.choices.push_back(std::move(choice));
            else
                for (const int channel : groups_.groups[choice.group].channels) result_.factors[static_cast<std::size_t>(channel)] = 1.0;
        }
        return std::move(result_);
    }

private:
    /// The rule that lowered the group's noise most; nothing when none did.
    std::optional<std::string> improve(std::size_t group, double before) {
        best_noise_ = before;
        best_rule_.reset();
        group_ = group;
        const std::vector<int>& channels = groups_.groups[group].channels;
        std::vector<double> extents, readers, writers, balances;
        double top = 0.0;
        for (const int channel : channels) {
            const ChannelTraits& traits = noise_.traits()[static_cast<std::size_t>(channel)];
            extents.push_back(traits.extent);
            readers.push_back(traits.reader);
            writers.push_back(traits.writer);
            balances.push_back(traits.square > 0.0 ? std::sqrt(std::sqrt(traits.energy / traits.square)) : 0.0);
            top = std::max(top, traits.extent);
        }
        if (top == 0.0) return std::nullopt;  // no value of the group is quantized, or none was ever anything but 0
        const double smallest = weights_ == Granularity::PerTensor ? kSmallestWeight : kSmallest;
        extents = relative(std::move(extents), top, kSmallest);
        readers = relative(readers, typical(readers), smallest);
        writers = relative(writers, typical(writers), smallest);
        balances = relative(balances, typical(balances), smallest);
        best_ = result_.factors;
        try_powers(extents, readers, writers);
        try_balances(extents, readers, balances);
        if (best_rule_) result_.factors = best_;
        return best_rule_;
    }

    /// extent^-a reader^b writer^-c: a = 1 gives every channel the range of the tensor, b = c = 1/2 (per tensor) is cross-layer equalization (Nagel et al. 2019),
    /// a + b = 1 is SmoothQuant (Xiao et al. 2022).
    void try_powers(const std::vector<double>& extents, const std::vector<double>& readers, const std::vector<double>& writers) {
        for (const double a : {0.0, 0.25, 0.5, 0.75, 1.0})
            for (const double b : {0.0, 0.25, 0.5, 0.75})
                for (const double c : {0.0, 0.25, 0.5, 0.75, 1.0}) {
                    if (c > 0.0 && weights_ != Granularity::PerTensor) continue;
                    std::vector<double> factors(extents.size());
                    for (std::size_t at = 0; at < factors.size(); ++at)
                        factors[at] = std::pow(extents[at], -a) * std::pow(readers[at], b) * std::pow(writers[at], -c);
                    consider(std::move(factors), extents,
                             c > 0.0 ? format("activation^{} weight^{} own weight^{}", a, b, c) : format("activation^{} weight^{}", a, b));
                }
    }

    /// The optimum of the noise for given steps, up to the tensor's range: where both kinds of noise weigh the same, k^4 ~ energy / E[x^2]; no channel's
    /// weights may set the step of an output alone (`floor`).
    void try_balances(const std::vector<double>& extents, const std::vector<double>& readers, const std::vector<double>& balances) {
        for (const double level : {0.25, 0.5, 1.0, 1.4, 2.0, 2.8, 4.0, 8.0})
            for (const double floor : {0.0, 0.25, 0.5, 1.0}) {
                std::vector<double> factors(extents.size());
                for (std::size_t at = 0; at < factors.size(); ++at)
                    factors[at] = std::min(1.0 / extents[at], level * std::max(balances[at], floor * readers[at]));
                consider(std::move(factors), extents, format("balance {} floor {}", level, floor));
            }
    }

    void consider(std::vector<double> factors, const std::vector<double>& extents, std::string rule) {
        const std::vector<int>& channels = groups_.groups[group_].channels;
        bool has_fixed = false;
        double reach = 0.0;
        for (std::size_t at = 0; at < factors.size(); ++at) {
            has_fixed = has_fixed || bounds_[static_cast<std::size_t>(channels[at])].is_fixed;
            reach = std::max(reach, factors[at] * extents[at]);
        }
        std::vector<double> trial = result_.factors;
        for (std::size_t at = 0; at < factors.size(); ++at) {
            const FactorBound& bound = bounds_[static_cast<std::size_t>(channels[at])];
            const double factor = std::min(has_fixed ? factors[at] : factors[at] / reach, bound.greatest);
            trial[static_cast<std::size_t>(channels[at])] = bound.is_fixed ? 1.0 : factor;
        }
        const double noise = noise_.of_group(group_, trial);
        if (!(noise < best_noise_)) return;
        best_noise_ = noise;
        best_ = std::move(trial);
        best_rule_ = std::move(rule);
    }

    const ChannelGroups& groups_;
    const ChannelNoise& noise_;
    Granularity weights_;
    std::vector<FactorBound> bounds_;
    ChosenFactors result_;
    std::size_t group_ = 0;
    double best_noise_ = 0.0;
    std::vector<double> best_;
    std::optional<std::string> best_rule_;
};

}  // namespace

ChosenFactors choose_factors(const ChannelGroups& groups, const ChannelStatistics& statistics, const ChannelNoise& noise,
                             Granularity weights) {
    return Chooser(groups, statistics, noise, weights).run();
}

}  // namespace mcompress
