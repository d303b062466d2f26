#include "engine/plan_cache.h"

#include "engine/bind_inputs.h"
#include "support/check.h"

namespace mcompress {

PlanCache::PlanCache(const Engine& engine, const Graph& graph, CompileOptions options, std::size_t capacity)
    : engine_(engine), graph_(graph), options_(std::move(options)), capacity_(capacity) {}

std::shared_ptr<const ExecutionPlan> PlanCache::plan_for(std::span<const Tensor> inputs) {
    MCOMPRESS_CHECK(inputs.size() == graph_.inputs().size());
    Key key;
    for (const Tensor& input : inputs) key.push_back(input.defined() ? input.shape().dims() : std::vector<std::int64_t>{-1});
    std::promise<Plan> promise;
    std::shared_future<Plan> plan;
    bool is_new = false;
    {
        const std::lock_guard lock(mutex_);
        const auto [place, is_missing] = plans_.try_emplace(key);
        is_new = is_missing;
        if (is_new) place->second = promise.get_future().share();
        else std::erase(order_, key);
        plan = place->second;
        order_.push_back(key);
        if (order_.size() > capacity_) {
            plans_.erase(order_.front());
            order_.erase(order_.begin());
        }
    }
    if (is_new) compile(key, inputs, promise);
    return plan.get();
}

void PlanCache::compile(const Key& key, std::span<const Tensor> inputs, std::promise<Plan>& promise) {
    try {
        CompileOptions options = options_;
        options.input_shapes = shapes_given(graph_, inputs);
        promise.set_value(engine_.compile(graph_, options));
    } catch (...) {
        const std::lock_guard lock(mutex_);
        if (std::erase(order_, key) > 0) plans_.erase(key);  // the next one with this shape tries again
        promise.set_exception(std::current_exception());
    }
}

}  // namespace mcompress
