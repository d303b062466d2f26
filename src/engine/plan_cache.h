// Plans of one graph by input shapes: calibration and evaluation sets may be ragged, compiling is dear, most sets have one shape.
#pragma once

#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "engine/engine.h"

namespace mcompress {

/// Safe to call from several threads: different shapes are compiled at the same time, one shape once. Keeps at most `capacity` plans; when it
/// is full the shape unused for longest is dropped (a plan that is still running stays alive through its shared pointer).
class PlanCache {
public:
    /// `options.input_shapes` is filled in per plan. The graph and the engine must outlive the cache.
    PlanCache(const Engine& engine, const Graph& graph, CompileOptions options, std::size_t capacity = 8);

    /// The plan for inputs of these shapes, in the order of Graph::inputs(); undefined tensors stand for defaults.
    std::shared_ptr<const ExecutionPlan> plan_for(std::span<const Tensor> inputs);

private:
    using Key = std::vector<std::vector<std::int64_t>>;
    using Plan = std::shared_ptr<const ExecutionPlan>;
    void compile(const Key& key, std::span<const Tensor> inputs, std::promise<Plan>& promise);

    const Engine& engine_;
    const Graph& graph_;
    CompileOptions options_;
    std::size_t capacity_;
    std::mutex mutex_;
    std::map<Key, std::shared_future<Plan>> plans_;
    std::vector<Key> order_;  // least recently used first
};

}  // namespace mcompress
