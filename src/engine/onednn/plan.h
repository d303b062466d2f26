// A compiled plan and the memory of its runs.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "engine/onednn/step.h"
#include "support/error.h"

namespace mcompress::onednn {

class RunState;

class OneDnnPlan : public ExecutionPlan {
public:
    explicit OneDnnPlan(PlanData data);
    ~OneDnnPlan() override;
    std::vector<RuntimeValue> run_values(std::span<const RuntimeValue> inputs, const Tap& tap) const override;
    std::span<const StepInfo> steps() const override { return data_.infos; }
    std::vector<double> time_steps(std::span<const Tensor> inputs, int repeats, StepTiming timing) const override;
    /// Of activations, in one allocation a run; and what no placement can stay below.
    std::size_t arena_bytes() const { return data_.arena_bytes; }
    std::size_t least_arena_bytes() const { return data_.least_arena_bytes; }

private:
    std::unique_ptr<RunState> take_state() const;
    void give_back(std::unique_ptr<RunState> state) const;

    PlanData data_;
    mutable std::mutex mutex_;
    mutable std::vector<std::unique_ptr<RunState>> idle_;  // one a thread that ran at the same time
};

/// Runs `body`, translating what oneDNN throws.
template <typename Body> decltype(auto) translate_errors(Body&& body) {
    try {
        return std::forward<Body>(body)();
    } catch (const dnnl::error& error) {
        if (error.status == dnnl_out_of_memory) throw Error(codes::kOutOfMemory, format("oneDNN is out of memory: {}", error.what()));
        throw Error(codes::kInternal, format("oneDNN: {}", error.what()));
    }
}

}  // namespace mcompress::onednn
