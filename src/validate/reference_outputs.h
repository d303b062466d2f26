// What the reference model gives for each sample, computed once for any number of comparisons where memory allows.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <vector>

#include "data/dataset.h"
#include "engine/engine.h"
#include "engine/plan_cache.h"

namespace mcompress {

/// Safe to use from several threads. Engine and graph must outlive it.
class ReferenceOutputs {
public:
    /// Keeps outputs until `max_bytes` are held; those of other samples are computed each time.
    ReferenceOutputs(const Engine& engine, const Graph& graph, std::size_t max_bytes);

    const Graph& graph() const { return graph_; }
    /// The outputs for sample `index`, which `sample` holds.
    std::vector<Tensor> of(std::size_t index, const Sample& sample);

private:
    const Graph& graph_;
    PlanCache plans_;
    std::size_t room_;
    std::mutex mutex_;
    std::map<std::size_t, std::vector<Tensor>> kept_;
};

}  // namespace mcompress
