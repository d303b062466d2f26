#include "search/precision_search.h"

#include <algorithm>
#include <cmath>

#include "ops/cost.h"

namespace mcompress {
namespace {

/// Steps that keep within the share of products allowed in float.
std::size_t allowed_steps(const std::vector<FallbackStep>& steps, double max_float_share) {
    std::size_t count = 0;
    while (count < steps.size() && steps[count].macs_share <= max_float_share) ++count;
    return count;
}

/// Energies add up; decisions and accuracies move with the amplitude of the noise, its root.
double predict(double at_none, double left, EffectMetric metric) {
    return metric == EffectMetric::Agreement ? at_none * std::sqrt(left) : at_none * left;
}

std::size_t first_guess(const std::vector<FallbackStep>& steps, std::size_t allowed, double at_none, const PrecisionGoal& goal) {
    double left = 1.0;
    for (std::size_t count = 0; count < allowed; ++count) {
        left = std::max(0.0, left - steps[count].share);
        if (predict(at_none, left, goal.metric) <= goal.limit) return count + 1;
    }
    return allowed;
}

/// What drafts met has to be met by what is written; else more steps are taken, twice as many more each time.
FewestResult prove(FewestResult draft, std::size_t allowed, double limit, const std::function<double(std::size_t)>& measure) {
    if (!draft.met) return draft;
    draft.met = false;
    for (std::size_t stride = 1;; stride *= 2) {
        const double measured = measure(draft.steps);
        draft.met = measured <= limit;
        draft.tries.push_back({draft.steps, measured, draft.met});
        if (draft.met || draft.steps == allowed) return draft;
        draft.steps = std::min(allowed, draft.steps + stride);
    }
}

/// The steps with the last `count` of those that stem from values in 16 bits.
std::vector<FallbackStep> widened(std::vector<FallbackStep> steps, std::size_t count, DType wide) {
    for (auto step = steps.rbegin(); step != steps.rend() && count > 0; ++step) {
        if (step->values.empty()) continue;
        step->wide = wide;
        --count;
    }
    return steps;
}

/// The most steps with 16-bit values instead of floats that meet the limit; the result holds steps in float that do.
void widen(const SearchSubject& subject, const PrecisionGoal& goal, PrecisionResult& result) {
    const auto meets = [&](std::size_t count) {
        std::vector<FallbackStep> steps = widened(result.steps, count, *goal.wide);
        QuantizationScheme scheme = with_fallbacks(subject.scheme, steps, steps.size(), goal.why);
        const double measured = goal.measure(scheme);
        const bool met = measured <= goal.limit;
        result.tries.push_back({steps.size(), measured, met, count});
        if (!met) return false;
        result.measured = measured;
        result.scheme = std::move(scheme);
        return true;
    };
    const auto values = static_cast<std::size_t>(
        std::count_if(result.steps.begin(), result.steps.end(), [](const FallbackStep& step) { return !step.values.empty(); }));
    if (values == 0) return;
    std::size_t most = 0, fails = values + 1;
    for (std::size_t next = values; fails - most > 1; next = most + (fails - most) / 2) (meets(next) ? most : fails) = next;
    result.steps = widened(std::move(result.steps), most, *goal.wide);
}

/// The steps with 16 bits wherever a value asked for them; the others leave nodes in float as long as there is room for that.
std::vector<FallbackStep> mostly_wide(const std::vector<FallbackStep>& steps, std::span<const NoiseSource> sources,
                                      const PrecisionGoal& goal, std::int64_t total_macs) {
    std::vector<FallbackStep> taken;
    for (const FallbackStep& step : steps) {
        taken.push_back(step);
        if (!step.values.empty()) taken.back().wide = goal.wide;
        count_shares(taken, sources, total_macs);
        if (!taken.back().wide && taken.back().macs_share > goal.max_float_share) taken.pop_back();
    }
    return taken;
}

}  // namespace

std::vector<RankedSource> rank_effects(std::vector<NoiseSource> sources, const std::vector<SourceEffect>& effects, EffectMetric metric,
                                       std::int64_t total_macs) {
    std::vector<RankedSource> ranking;
    double whole = 0.0;
    for (std::size_t at = 0; at < sources.size(); ++at) {
        RankedSource ranked{
            std::move(sources[at]),     effects[at].effect(metric), 0.0, 0.0, -10.0 * std::log10(effects[at].outputs.relative_noise()),
            effects[at].local.sqnr_db()};
        whole += ranked.effect;
        if (total_macs > 0) ranked.macs_share = static_cast<double>(ranked.source.macs) / static_cast<double>(total_macs);
        ranking.push_back(std::move(ranked));
    }
    for (RankedSource& ranked : ranking) ranked.share = whole > 0.0 ? ranked.effect / whole : 0.0;
    std::stable_sort(ranking.begin(), ranking.end(), [](const RankedSource& a, const RankedSource& b) { return a.effect > b.effect; });
    return ranking;
}

std::vector<RankedSource> rank_sources(const SearchSubject& subject, EffectMetric metric, const SensitivityOptions& options) {
    const std::unique_ptr<Graph> apart = subject.build_apart(subject.scheme);
    std::vector<NoiseSource> sources = find_noise_sources(*apart, subject.scheme);
    const auto effects = measure_sources(subject.engine, subject.exact, *apart, sources, subject.ranking_data, options);
    return rank_effects(std::move(sources), effects, metric, measure_cost(subject.exact).macs);
}

PrecisionResult search_precision(const SearchSubject& subject, const PrecisionGoal& goal, double at_none) {
    PrecisionResult result;
    result.at_none = result.measured = at_none;
    result.ranking = rank_sources(subject, goal.metric == EffectMetric::Agreement ? EffectMetric::Divergence : goal.metric,
                                  {.threads = subject.threads, .known = {}, .save = {}, .progress = subject.progress});
    std::vector<NoiseSource> sources;
    std::vector<double> effects;
    for (const RankedSource& ranked : result.ranking) {
        sources.push_back(ranked.source);
        effects.push_back(ranked.effect);
    }
    const std::int64_t macs = measure_cost(subject.exact).macs;
    const auto search = [&](const std::vector<FallbackStep>& steps, std::size_t allowed) {
        const auto at = [&](const auto& measure) {
            return [&](std::size_t count) { return measure(with_fallbacks(subject.scheme, steps, count, goal.why)); };
        };
        const auto fewest = [&](const auto& measure) {
            return find_fewest(allowed, first_guess(steps, allowed, at_none, goal), goal.limit, at_none, at(measure));
        };
        return goal.estimate ? prove(fewest(goal.estimate), allowed, goal.limit, at(goal.measure)) : fewest(goal.measure);
    };
    const auto take = [&](std::vector<FallbackStep> steps, const FewestResult& found, std::size_t used) {
        result.met = found.met;
        for (const FallbackTry& tried : found.tries)
            if (tried.steps == used) result.measured = tried.measured;
        result.scheme = with_fallbacks(subject.scheme, steps, used, goal.why);
        steps.resize(used);
        result.steps = std::move(steps);
    };
    const std::vector<FallbackStep> steps = order_fallbacks(sources, effects, macs);
    const std::size_t allowed = allowed_steps(steps, goal.max_float_share);
    const FewestResult in_float = search(steps, allowed);
    result.tries = in_float.tries;
    take(steps, in_float, in_float.met ? in_float.steps : allowed);
    if (result.met && goal.wide) widen(subject, goal, result);
    if (!result.met && goal.wide) {
        // Not enough may be left in float: 16 bits cost none of that.
        const std::vector<FallbackStep> wide = mostly_wide(steps, sources, goal, macs);
        FewestResult found = search(wide, wide.size());
        for (FallbackTry& tried : found.tries) {
            tried.wide = static_cast<std::size_t>(std::count_if(wide.begin(), wide.begin() + static_cast<std::ptrdiff_t>(tried.steps),
                                                                [](const FallbackStep& step) { return step.wide.has_value(); }));
            result.tries.push_back(tried);
        }
        if (found.met) take(wide, found, found.steps);
    }
    count_shares(result.steps, sources, macs);
    return result;
}

}  // namespace mcompress
