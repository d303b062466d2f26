#include "engine/plan_cache.h"

#include "support/check.h"

namespace mcompress {

PlanCache::PlanCache(const Engine& engine, const Graph& graph, CompileOptions options, std::size_t capacity)
    : engine_(engine), graph_(graph), options_(std::move(options)), capacity_(capacity) {}

std::shared_ptr<const ExecutionPlan> PlanCache::plan_for(std::span<const Tensor> inputs) {
    MCOMPRESS_CHECK(inputs.size() == graph_.inputs().size());
    Key key;
    for (const Tensor& input : inputs) key.push_back(input.shape().dims());
    const std::lock_guard lock(mutex_);
    if (const auto found = plans_.find(key); found != plans_.end()) return found->second;
    if (plans_.size() >= capacity_) {
        plans_.erase(order_.front());
        order_.erase(order_.begin());
    }
    CompileOptions options = options_;
    for (std::size_t at = 0; at < inputs.size(); ++at)
        if (inputs[at].defined()) options.input_shapes[graph_.inputs()[at]->name()] = inputs[at].shape();
    std::shared_ptr<const ExecutionPlan> plan = engine_.compile(graph_, options);
    plans_.emplace(key, plan);
    order_.push_back(std::move(key));
    return plan;
}

}  // namespace mcompress
