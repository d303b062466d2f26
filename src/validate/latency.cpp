#include "validate/latency.h"

#include <algorithm>
#include <chrono>

namespace mcompress {

namespace {

using Clock = std::chrono::steady_clock;

double time_run(const ExecutionPlan& plan, std::span<const Tensor> inputs) {
    const auto begin = Clock::now();
    plan.run(inputs);
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

double quantile(std::vector<double> values, double q) {
    std::sort(values.begin(), values.end());
    return values[std::min(values.size() - 1, static_cast<std::size_t>(q * static_cast<double>(values.size())))];
}

}  // namespace

std::vector<std::vector<double>> time_alternating(std::span<const TimedPlan> plans, double seconds) {
    constexpr std::size_t kWarmUp = 3;
    constexpr std::size_t kAtLeast = 10;
    constexpr double kTurnMs = 20.0;
    double slowest = 0.0;
    for (const TimedPlan& timed : plans) {
        std::vector<double> warm_up;
        for (std::size_t run = 0; run < kWarmUp; ++run) warm_up.push_back(time_run(*timed.plan, timed.inputs));
        slowest = std::max(slowest, quantile(warm_up, 0.0));
    }
    const auto turn = static_cast<std::size_t>(std::clamp(kTurnMs / std::max(slowest, 1e-3), 1.0, 100.0));
    std::vector<std::vector<double>> times(plans.size());
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    while (times.front().size() < kAtLeast || Clock::now() < end)
        for (std::size_t at = 0; at < plans.size(); ++at) {
            // The first run of a turn fetches again what the others' turns drove out of the caches.
            if (turn > 1 && plans.size() > 1) plans[at].plan->run(plans[at].inputs);
            for (std::size_t run = 0; run < turn; ++run) times[at].push_back(time_run(*plans[at].plan, plans[at].inputs));
        }
    return times;
}

Latency summarize_times(const std::vector<double>& times) {
    return {times.size(), quantile(times, 0.0), quantile(times, 0.5), quantile(times, 0.9)};
}

double median_ratio(const std::vector<double>& numerators, const std::vector<double>& denominators) {
    std::vector<double> ratios;
    for (std::size_t at = 0; at < std::min(numerators.size(), denominators.size()); ++at)
        ratios.push_back(numerators[at] / std::max(denominators[at], 1e-6));
    return quantile(ratios, 0.5);
}

LatencyPair measure_latency(const ExecutionPlan& reference, std::span<const Tensor> reference_inputs, const ExecutionPlan& candidate,
                            std::span<const Tensor> candidate_inputs, double seconds) {
    const TimedPlan plans[] = {{&reference, reference_inputs}, {&candidate, candidate_inputs}};
    const auto times = time_alternating(plans, seconds);
    return {summarize_times(times[0]), summarize_times(times[1]), median_ratio(times[0], times[1])};
}

}  // namespace mcompress
