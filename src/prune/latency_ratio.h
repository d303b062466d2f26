// How long a smaller model takes, over the dense one.
#pragma once

#include <memory>
#include <vector>

#include "data/dataset.h"
#include "engine/engine.h"

namespace mcompress {

class LatencyRatio {
public:
    /// Times are those of the data's first sample, as it comes. All must outlive it but the data.
    LatencyRatio(const Engine& engine, const Graph& dense, const Dataset& data, int threads);

    /// Median of the ratios of alternating runs, which take about `seconds` and at least 10 runs each. Not the same every time.
    double of(const Graph& smaller, double seconds) const;

private:
    const Engine& engine_;
    int threads_;
    std::vector<Tensor> inputs_;
    std::shared_ptr<const ExecutionPlan> dense_;
};

}  // namespace mcompress
