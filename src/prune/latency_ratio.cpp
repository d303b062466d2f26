#include "prune/latency_ratio.h"

#include "engine/bind_inputs.h"
#include "engine/plan_cache.h"
#include "validate/latency.h"

namespace mcompress {

LatencyRatio::LatencyRatio(const Engine& engine, const Graph& dense, const Dataset& data, int threads)
    : engine_(engine),
      threads_(threads),
      inputs_(bind_inputs(dense, data.sample(0))),
      dense_(PlanCache(engine, dense, {.threads = threads}).plan_for(inputs_)) {}

double LatencyRatio::of(const Graph& smaller, double seconds) const {
    const auto plan = PlanCache(engine_, smaller, {.threads = threads_}).plan_for(inputs_);
    const TimedPlan plans[] = {{plan.get(), inputs_}, {dense_.get(), inputs_}};
    const std::vector<std::vector<double>> times = time_alternating(plans, seconds);
    return median_ratio(times[0], times[1]);
}

}  // namespace mcompress
