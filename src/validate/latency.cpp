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

Latency summarize(const std::vector<double>& times) {
    return {times.size(), quantile(times, 0.0), quantile(times, 0.5), quantile(times, 0.9)};
}

}  // namespace

LatencyPair measure_latency(const ExecutionPlan& reference, std::span<const Tensor> reference_inputs, const ExecutionPlan& candidate,
                            std::span<const Tensor> candidate_inputs, double seconds) {
    constexpr std::size_t kWarmUp = 3;
    constexpr std::size_t kAtLeast = 10;
    for (std::size_t run = 0; run < kWarmUp; ++run) {
        reference.run(reference_inputs);
        candidate.run(candidate_inputs);
    }
    std::vector<double> a;
    std::vector<double> b;
    std::vector<double> ratios;
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    while (a.size() < kAtLeast || Clock::now() < end) {
        a.push_back(time_run(reference, reference_inputs));
        b.push_back(time_run(candidate, candidate_inputs));
        ratios.push_back(a.back() / std::max(b.back(), 1e-6));
    }
    return {summarize(a), summarize(b), quantile(ratios, 0.5)};
}

}  // namespace mcompress
