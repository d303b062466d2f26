#include "engine/onednn/plan.h"

#include "engine/onednn/run_state.h"
#include "engine/onednn/thread_scope.h"

namespace mcompress::onednn {

OneDnnPlan::OneDnnPlan(PlanData data) : data_(std::move(data)) {}
OneDnnPlan::~OneDnnPlan() = default;

std::unique_ptr<RunState> OneDnnPlan::take_state() const {
    {
        const std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            std::unique_ptr<RunState> state = std::move(idle_.back());
            idle_.pop_back();
            return state;
        }
    }
    return std::make_unique<RunState>(data_);
}

void OneDnnPlan::give_back(std::unique_ptr<RunState> state) const {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(state));
}

std::vector<RuntimeValue> OneDnnPlan::run_values(std::span<const RuntimeValue> inputs, const Tap& tap) const {
    const ThreadScope scope(data_.threads);
    return translate_errors([&] {
        std::unique_ptr<RunState> state = take_state();
        std::vector<RuntimeValue> outputs = state->run(inputs, tap);
        give_back(std::move(state));  // not after an error: a state that stopped in the middle is thrown away
        return outputs;
    });
}

std::vector<double> OneDnnPlan::time_steps(std::span<const Tensor> inputs, int repeats, StepTiming timing) const {
    const ThreadScope scope(data_.threads);
    return translate_errors([&] {
        std::unique_ptr<RunState> state = take_state();
        const std::vector<RuntimeValue> values(inputs.begin(), inputs.end());
        std::vector<double> times = state->time_steps(values, repeats, timing);
        give_back(std::move(state));
        return times;
    });
}

}  // namespace mcompress::onednn
