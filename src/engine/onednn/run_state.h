// The memory and prebuilt argument lists of one run of a plan at a time.
#pragma once

#include <memory>
#include <vector>

#include "engine/onednn/step.h"
#include "support/large_pages.h"

namespace mcompress::onednn {

class RunState {
public:
    explicit RunState(const PlanData& plan);
    RunState(const RunState&) = delete;
    RunState& operator=(const RunState&) = delete;

    std::vector<RuntimeValue> run(std::span<const RuntimeValue> inputs, const Tap& tap);
    /// Milliseconds a step: the median of `repeats` executions.
    std::vector<double> time_steps(std::span<const RuntimeValue> inputs, int repeats, StepTiming timing);

private:
    struct Patch {  // what points into a slot's tensor
        std::vector<BufferId> memories;
        std::vector<std::byte**> pointers;
    };
    struct WriteBack {  // of what a tap wrote
        dnnl::memory scratchpad;
        std::vector<dnnl_exec_arg_t> arguments;
    };
    static Block allocate(std::size_t bytes);

    std::byte* fixed_address(const Storage& storage) const;
    dnnl::memory& memory_of(BufferId buffer);
    void prepare_primitive(std::size_t step, const Primitive& primitive, const std::vector<Operand>& operands);
    void prepare_write_back(std::size_t step, const TapStep& tap);
    void prepare_native(std::size_t step, const NativeStep& native);
    void prepare_slots();
    void start(std::span<const RuntimeValue> inputs);
    void fill_slot(SlotId slot, RuntimeValue value);
    void run_step(std::size_t index, const Tap& tap);
    void release(std::size_t index);
    double time_step(std::size_t index);
    void run_primitive(const Primitive& primitive, const std::vector<dnnl_exec_arg_t>& arguments);
    void run_plain(const PlainStep& step, const Tap& tap);
    void run_tap(std::size_t index, const TapStep& step, const Tap& tap);
    void tap_slot(const TapStep& step, const Tap& tap);
    bool is_in_arena(const std::byte* data) const { return data >= arena_.get() && data < arena_.get() + plan_.arena_bytes; }
    /// The value without memory that the next run writes over.
    RuntimeValue own(RuntimeValue value) const;
    std::vector<RuntimeValue> collect();

    const PlanData& plan_;
    Block arena_, scratchpad_;
    dnnl::stream stream_;
    std::vector<dnnl::memory> memories_;                   // by buffer, made when first needed
    std::vector<dnnl::memory> scratchpads_;                // by step
    std::vector<std::vector<dnnl_exec_arg_t>> arguments_;  // by step
    std::vector<std::vector<std::byte*>> pointers_;        // by step
    std::vector<dnnl::memory> tap_memories_;               // by step
    std::vector<WriteBack> write_backs_;                   // by step
    std::vector<RuntimeValue> slots_;
    std::vector<Patch> patches_;  // by slot
    std::vector<const RuntimeValue*> plain_inputs_;
};

}  // namespace mcompress::onednn
