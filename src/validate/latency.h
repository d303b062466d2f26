// Wall-clock time of one inference, measured so that a noisy machine shows.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/engine.h"

namespace mcompress {

struct Latency {
    std::size_t runs = 0;
    double minimum_ms = 0.0;
    double median_ms = 0.0;
    double p90_ms = 0.0;
};

struct LatencyPair {
    Latency reference;
    Latency candidate;
    double speedup = 0.0;  // median of the pairwise ratios reference/candidate
};

/// A plan and what to run it on; both must outlive the measurement. The plan uses the threads it was compiled for.
struct TimedPlan {
    const ExecutionPlan* plan = nullptr;
    std::span<const Tensor> inputs;
};

/// Runs the plans in turns after a warm-up, for about `seconds` in all and at least 10 times each: alternating turns see the same phases of the
/// machine. A turn is as many runs as fit into 20 ms (at most 100), the same number for every plan, after one that is not counted, so that each plan
/// is timed on caches that it filled itself, as when it runs alone; runs of 20 ms and more alternate one by one. The milliseconds of every counted
/// run, a list of the same length a plan. `plans` must not be empty.
std::vector<std::vector<double>> time_alternating(std::span<const TimedPlan> plans, double seconds);

/// `times` must not be empty.
Latency summarize_times(const std::vector<double>& times);
/// Median of times[0][i] / times[1][i].
double median_ratio(const std::vector<double>& numerators, const std::vector<double>& denominators);

/// time_alternating of both.
LatencyPair measure_latency(const ExecutionPlan& reference, std::span<const Tensor> reference_inputs, const ExecutionPlan& candidate,
                            std::span<const Tensor> candidate_inputs, double seconds);

}  // namespace mcompress
