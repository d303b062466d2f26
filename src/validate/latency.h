// Wall-clock time of one inference, measured so that a noisy machine shows.
#pragma once

#include <cstddef>
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

/// Runs both plans in alternation after a warm-up, for about `seconds` in all and at least 10 runs each: alternating runs see the same
/// phases of the machine. The plans use the threads they were compiled for.
LatencyPair measure_latency(const ExecutionPlan& reference, std::span<const Tensor> reference_inputs, const ExecutionPlan& candidate,
                            std::span<const Tensor> candidate_inputs, double seconds);

}  // namespace mcompress
