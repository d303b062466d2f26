#include "tune/equalize_layers.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "calibrate/observer.h"
#include "data/subset.h"
#include "engine/bind_inputs.h"
#include "engine/plan_cache.h"
#include "ir/clone.h"
#include "passes/pipelines.h"
#include "support/parallel.h"
#include "tune/choose_factors.h"
#include "tune/rescale_channels.h"
#include "tune/samples.h"
#include "tune/trial.h"

namespace mcompress {

namespace {

constexpr const char* kStage = "equalize";
/// Candidates are judged with ranges from so many samples: all of them would cost more than they tell.
constexpr std::size_t kRangeSamples = 16;
constexpr std::size_t kJudges = 20;
/// Rescaled weights round differently, which alone changes the output by as many dB either way; fitting them, which follows, takes that out.
constexpr double kLuck = 1.0;

CalibrationTable observe(Graph& graph, const Engine& engine, const Dataset& data, const QuantizationScheme& scheme, int threads,
                         StageCounter& counter) {
    run_pipeline("observe", graph, {.evaluator = {}, .scheme = scheme});
    CalibrationTable table;
    {
        PlanCache plans(engine, graph, {.threads = 1});
        std::vector<Observer> observers(static_cast<std::size_t>(std::max(1, threads)), Observer(data.size()));
        parallel_for(data.size(), threads, [&](int worker, std::size_t index) {
            const std::vector<Tensor> inputs = bind_inputs(graph, data.sample(index));
            plans.plan_for(inputs)->run(inputs, observers[static_cast<std::size_t>(worker)].tap());
            counter.advance();
        });
        for (const Observer& observer : observers) observer.merge_into(table);
        table.samples = data.size();
    }
    run_pipeline("strip", graph, {.evaluator = {}, .scheme = scheme});
    return table;
}

/// Judges factors by the output of a quantized copy on held-out samples.
class Judge {
public:
    /// `fixed`: as for the groups that the factors belong to.
    Judge(const Graph& graph, const Engine& engine, const SampleSplit& split, const Tuning& tuning, const std::vector<std::string>& fixed)
        : graph_(graph),
          fixed_(fixed),
          engine_(engine),
          tuning_(tuning),
          fit_(take(split.fit, kRangeSamples)),
          held_out_(take(split.held_out, kJudges)),
          trial_(engine, graph, *held_out_, tuning.threads) {}

    /// Relative noise of the outputs; nothing when the factors cannot be applied.
    std::optional<double> noise(const std::vector<double>& factors, StageCounter& counter) const {
        const std::unique_ptr<Graph> copy = clone(graph_);
        if (!rescale_channels(*copy, find_channel_groups(*copy, fixed_), factors)) return std::nullopt;
        QuantizationScheme scheme = tuning_.scheme;
        // Ranges given under new names are meant for the factors that are chosen in the end.
        std::erase_if(scheme.ranges,
                      [&](const auto& each) { return each.first.ends_with(kRescaledSuffix) && !graph_.find_value(each.first); });
        follow_rescaled_names(*copy, scheme);
        const CalibrationTable table = observe(*copy, engine_, *fit_, scheme, tuning_.threads, counter);
        const double noise = trial_.measure(*quantized_copy(*copy, scheme, table)).relative_noise();
        counter.advance(held_out_->size());
        return noise;
    }
    std::size_t samples() const { return trial_.samples(); }

private:
    const Graph& graph_;
    const std::vector<std::string>& fixed_;
    const Engine& engine_;
    const Tuning& tuning_;
    std::unique_ptr<Dataset> fit_;
    std::unique_ptr<Dataset> held_out_;
    Trial trial_;
};

/// SQNR.
double decibels(double noise) { return -10.0 * std::log10(std::max(noise, 1e-30)); }

std::vector<double> power(const std::vector<double>& factors, double exponent) {
    std::vector<double> result;
    for (const double factor : factors) result.push_back(std::pow(factor, exponent));
    return result;
}

void note_frozen(const ChannelGroups& groups, Tuning& tuning) {
    std::map<std::string, std::pair<std::string, std::size_t>> by_reason;  // first value, count
    for (const FrozenChannels& frozen : groups.frozen) {
        auto& entry = by_reason.try_emplace(frozen.reason, frozen.value, 0).first->second;
        ++entry.second;
    }
    for (const auto& [reason, entry] : by_reason)
        tuning.notes.push_back({kStage, entry.first,
                                entry.second == 1
                                    ? "its channels keep their scale: " + reason
                                    : format("its channels and those of {} others keep their scale: {}", entry.second - 1, reason)});
}

void note_choices(const ChannelGroups& groups, const ChosenFactors& chosen, const std::vector<double>& factors, Tuning& tuning) {
    for (const GroupChoice& choice : chosen.choices) {
        const ChannelGroup& group = groups.groups[choice.group];
        double least = 1e300, greatest = 0.0;
        for (const int channel : group.channels) {
            least = std::min(least, factors[static_cast<std::size_t>(channel)]);
            greatest = std::max(greatest, factors[static_cast<std::size_t>(channel)]);
        }
        tuning.notes.push_back(
            {kStage, group.axes.front().value->name(),
             format("{} channels in {} values times {:.3g} to {:.3g} ({}): {:.1f} dB less noise expected where they are read",
                    group.channels.size(), group.axes.size(), least, greatest, choice.rule,
                    decibels(choice.noise_after) - decibels(choice.noise_before))});
    }
}

}  // namespace

void equalize_layers(Graph& graph, const Engine& engine, Tuning& tuning) {
    std::vector<std::string> fixed;
    for (const auto& [name, range] : tuning.scheme.ranges) fixed.push_back(name);
    const ChannelGroups groups = find_channel_groups(graph, fixed);
    note_frozen(groups, tuning);
    if (groups.groups.empty()) return;
    const SampleSplit split = split_samples(tuning.data);
    std::vector<ChannelAxis> axes;
    for (const ChannelGroup& group : groups.groups) axes.insert(axes.end(), group.axes.begin(), group.axes.end());
    StageCounter counter(tuning.progress, "evening out channels", split.fit->size() + 3 * (kRangeSamples + kJudges));
    const ChannelStatistics statistics = measure_channels(graph, engine, *split.fit, axes, tuning.threads, [&] { counter.advance(); });
    const QuantizationPlan plan = plan_quantization(graph, tuning.scheme);
    const ChosenFactors chosen =
        choose_factors(groups, statistics, ChannelNoise(groups, statistics, plan, tuning.scheme), tuning.scheme.weight_granularity);
    if (chosen.choices.empty()) return;

    const Judge judge(graph, engine, split, tuning, fixed);
    const double before = decibels(judge.noise(power(chosen.factors, 0.0), counter).value());
    double after = before;
    double best_strength = 0.0;
    for (const double strength : {1.0, 0.5}) {
        const std::optional<double> noise = judge.noise(power(chosen.factors, strength), counter);
        if (!noise || !(decibels(*noise) > before - kLuck)) continue;
        after = decibels(*noise);
        best_strength = strength;
        break;
    }
    counter.finish();
    if (best_strength == 0.0) {
        tuning.notes.push_back({kStage, "", format("no channel is rescaled: on {} held-out samples it did harm", judge.samples())});
        return;
    }
    const std::vector<double> factors = power(chosen.factors, best_strength);
    note_choices(groups, chosen, factors, tuning);
    rescale_channels(graph, groups, factors);
    follow_rescaled_names(graph, tuning.scheme);
    tuning.notes.push_back({kStage, "",
                            format("{} of {} groups of channels rescaled (strength {}): output SQNR {:.2f} dB -> {:.2f} dB on {} held-out "
                                   "samples, before weights are fitted",
                                   chosen.choices.size(), groups.groups.size(), best_strength, before, after, judge.samples())});
}

}  // namespace mcompress
