#include "engine/onednn/run_state.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>

#include "engine/input_types.h"
#include "engine/onednn/planned_bodies.h"
#include "support/error.h"

namespace mcompress::onednn {

namespace {

void check(dnnl_status_t status, const char* action) {
    if (status != dnnl_success) throw dnnl::error(status, action);
}

}  // namespace

Block RunState::allocate(std::size_t bytes) {
    if (bytes == 0) return nullptr;
    Block memory = allocate_block(bytes);
    if (!memory) fail(codes::kOutOfMemory, "no memory for {} bytes of activations", bytes);
    std::memset(memory.get(), 0, bytes);  // padding of blocked layouts must be zero
    return memory;
}

RunState::RunState(const PlanData& plan)
    : plan_(plan), arena_(allocate(plan.arena_bytes)), scratchpad_(allocate(plan.scratchpad_bytes)), stream_(plan.engine) {
    memories_.resize(plan.buffers.size());
    scratchpads_.resize(plan.steps.size());
    arguments_.resize(plan.steps.size());
    pointers_.resize(plan.steps.size());
    tap_memories_.resize(plan.steps.size());
    write_backs_.resize(plan.steps.size());
    patches_.resize(plan.slots.size());
    for (std::size_t index = 0; index < plan.steps.size(); ++index) {
        const Step& step = plan.steps[index];
        if (const auto* primitive = std::get_if<PrimitiveStep>(&step)) prepare_primitive(index, primitive->primitive, primitive->operands);
        if (const auto* native = std::get_if<NativeStep>(&step)) prepare_native(index, *native);
        const auto* tap = std::get_if<TapStep>(&step);
        if (tap && tap->slot < 0) memory_of(tap->buffer);  // known before the first run binds what lies in a caller's tensor
        if (tap && tap->slot < 0 && tap->reorder) {
            tap_memories_[index] = dnnl::memory(tap->reorder->destination, plan.engine, DNNL_MEMORY_NONE);
            prepare_primitive(index, *tap->reorder, {{DNNL_ARG_FROM, tap->buffer}});
            arguments_[index].push_back({DNNL_ARG_TO, tap_memories_[index].get()});
            if (tap->write_back) prepare_write_back(index, *tap);
        }
    }
    prepare_slots();
}

std::byte* RunState::fixed_address(const Storage& storage) const {
    switch (storage.home) {
        case Storage::Home::Arena: return arena_.get() + storage.offset;
        case Storage::Home::Constant: return const_cast<std::byte*>(storage.constant);
        case Storage::Home::Slot: return nullptr;
    }
    return nullptr;
}

dnnl::memory& RunState::memory_of(BufferId buffer) {
    dnnl::memory& memory = memories_[static_cast<std::size_t>(buffer)];
    if (memory.get(true)) return memory;
    const Buffer& described = plan_.buffers[static_cast<std::size_t>(buffer)];
    const Storage& storage = plan_.storages[static_cast<std::size_t>(described.storage)];
    // Created without memory first: setting it at once would make oneDNN clear padding that other buffers may share.
    std::byte* address = fixed_address(storage);
    memory = dnnl::memory(described.desc, plan_.engine, address ? static_cast<void*>(address) : DNNL_MEMORY_NONE);
    if (storage.home == Storage::Home::Slot) patches_[static_cast<std::size_t>(storage.slot)].memories.push_back(buffer);
    return memory;
}

void RunState::prepare_primitive(std::size_t step, const Primitive& primitive, const std::vector<Operand>& operands) {
    for (const Operand& operand : operands) arguments_[step].push_back({operand.argument, memory_of(operand.buffer).get()});
    scratchpads_[step] =
        dnnl::memory(primitive.scratchpad, plan_.engine, scratchpad_ ? static_cast<void*>(scratchpad_.get()) : DNNL_MEMORY_NONE);
    arguments_[step].push_back({DNNL_ARG_SCRATCHPAD, scratchpads_[step].get()});
}

void RunState::prepare_write_back(std::size_t step, const TapStep& tap) {
    WriteBack& back = write_backs_[step];
    back.scratchpad =
        dnnl::memory(tap.write_back->scratchpad, plan_.engine, scratchpad_ ? static_cast<void*>(scratchpad_.get()) : DNNL_MEMORY_NONE);
    back.arguments = {{DNNL_ARG_FROM, tap_memories_[step].get()},
                      {DNNL_ARG_TO, memory_of(tap.buffer).get()},
                      {DNNL_ARG_SCRATCHPAD, back.scratchpad.get()}};
}

void RunState::prepare_native(std::size_t step, const NativeStep& native) {
    std::vector<std::byte*>& pointers = pointers_[step];
    pointers.resize(native.operands.size());
    for (std::size_t at = 0; at < native.operands.size(); ++at) {
        const Buffer& buffer = plan_.buffers[static_cast<std::size_t>(native.operands[at])];
        const Storage& storage = plan_.storages[static_cast<std::size_t>(buffer.storage)];
        pointers[at] = fixed_address(storage);
        if (storage.home == Storage::Home::Slot) patches_[static_cast<std::size_t>(storage.slot)].pointers.push_back(&pointers[at]);
    }
}

void RunState::prepare_slots() {
    slots_.resize(plan_.slots.size());
    for (std::size_t index = 0; index < slots_.size(); ++index) {
        const Slot& slot = plan_.slots[index];
        if (slot.source == Slot::Source::Constant) fill_slot(static_cast<SlotId>(index), slot.constant);
        if (slot.source != Slot::Source::ArenaView) continue;
        const Buffer& buffer = plan_.buffers[static_cast<std::size_t>(slot.view)];
        const std::byte* data = fixed_address(plan_.storages[static_cast<std::size_t>(buffer.storage)]);
        // The arena outlives the view: tensors that leave a step and point into it are copied.
        slots_[index] = Tensor::view(slot.dtype, *slot.shape, std::shared_ptr<const void>(std::shared_ptr<void>(), data), data,
                                     packed_byte_size(slot.dtype, slot.shape->element_count()));
    }
}

void RunState::fill_slot(SlotId slot, RuntimeValue value) {
    const Slot& described = plan_.slots[static_cast<std::size_t>(slot)];
    const Patch& patch = patches_[static_cast<std::size_t>(slot)];
    slots_[static_cast<std::size_t>(slot)] = std::move(value);
    if (patch.memories.empty() && patch.pointers.empty()) return;
    const Tensor& place = slots_[static_cast<std::size_t>(slot)].tensor();
    if (place.dtype() != described.dtype || (described.shape && place.shape() != *described.shape))
        fail(codes::kShapeInvalid, "a tensor has type {}{} at run time, planned was {}{}", dtype_name(place.dtype()),
             place.shape().to_string(), dtype_name(described.dtype), described.shape ? described.shape->to_string() : "");
    // Outputs are unshared when they are made, so writing through this pointer is allowed there; inputs are only read.
    auto* data = const_cast<std::byte*>(place.bytes());
    for (const BufferId buffer : patch.memories) memories_[static_cast<std::size_t>(buffer)].set_data_handle(data);
    for (std::byte** pointer : patch.pointers) *pointer = data;
}

void RunState::start(std::span<const RuntimeValue> inputs) {
    for (const int index : plan_.fixed_inputs)
        if (const auto at = static_cast<std::size_t>(index); at < inputs.size() && inputs[at].defined())
            fail(codes::kDataMismatch, "input '{}' was planned with its default: name its shape when the plan is made",
                 plan_.inputs[at]->name());
    for (std::size_t index = 0; index < plan_.slots.size(); ++index) {
        const Slot& slot = plan_.slots[index];
        if (slot.source == Slot::Source::NewOutput) fill_slot(static_cast<SlotId>(index), Tensor::uninitialized(slot.dtype, *slot.shape));
        if (slot.source != Slot::Source::GraphInput) continue;
        const Value& value = *plan_.inputs[static_cast<std::size_t>(slot.input)];
        const auto given = static_cast<std::size_t>(slot.input);
        const bool is_given = given < inputs.size() && inputs[given].defined();
        if (!is_given && !value.default_value()) fail(codes::kDataMismatch, "nothing was given for input '{}'", value.name());
        if (is_given && !value.type().is_tensor()) {
            check_input(value, inputs[given]);
            fill_slot(static_cast<SlotId>(index), inputs[given]);
            continue;
        }
        const Tensor* tensor = is_given ? &inputs[given].tensor() : value.default_value();
        if ((slot.dtype != DType::Undefined && tensor->dtype() != slot.dtype) || (slot.shape && tensor->shape() != *slot.shape))
            fail(codes::kDataMismatch, "input '{}' was planned as {}{}, found {}{}", value.name(), dtype_name(slot.dtype),
                 slot.shape ? slot.shape->to_string() : "", dtype_name(tensor->dtype()), tensor->shape().to_string());
        fill_slot(static_cast<SlotId>(index), *tensor);
    }
}

void RunState::run_primitive(const Primitive& primitive, const std::vector<dnnl_exec_arg_t>& arguments) {
    check(dnnl_primitive_execute(primitive.primitive.get(), stream_.get(), static_cast<int>(arguments.size()), arguments.data()),
          "could not execute a primitive");
}

RuntimeValue RunState::own(RuntimeValue value) const {
    const auto is_lent = [&](const Tensor& tensor) { return is_in_arena(tensor.bytes()); };
    if (value.is_tensor() && !is_lent(value.tensor())) return value;
    return transform_tensors(value, [&](const Tensor& tensor) {
        return is_lent(tensor) ? Tensor::from_bytes(tensor.dtype(), tensor.shape(), {tensor.bytes(), tensor.byte_size()}) : tensor;
    });
}

void RunState::run_plain(const PlainStep& step, const Tap& tap) {
    plain_inputs_.clear();
    for (const SlotId slot : step.inputs) plain_inputs_.push_back(slot < 0 ? nullptr : &slots_[static_cast<std::size_t>(slot)]);
    std::vector<RuntimeValue> outputs;
    if (step.bodies) {
        std::vector<RuntimeValue> captured;
        for (const SlotId slot : step.captures) captured.push_back(slots_[static_cast<std::size_t>(slot)]);
        outputs = step.bodies->run_node(plain_inputs_, captured, tap);
    } else {
        outputs = run_kernel(*step.kernel, *step.node, plain_inputs_, step.outputs.size(), plan_.threads, nullptr, plan_.routines.get());
    }
    for (std::size_t index = 0; index < step.outputs.size(); ++index)
        if (step.outputs[index] >= 0) fill_slot(step.outputs[index], own(std::move(outputs[index])));
}

void RunState::run_tap(std::size_t index, const TapStep& step, const Tap& tap) {
    if (step.slot >= 0) {
        tap_slot(step, tap);
    } else if (!step.reorder) {
        const auto* data = static_cast<const std::byte*>(memory_of(step.buffer).get_data_handle());
        const std::shared_ptr<const void> borrowed(std::shared_ptr<void>(), data);
        tap(*step.value, Tensor::view(step.dtype, step.shape, borrowed, data, packed_byte_size(step.dtype, step.shape.element_count())));
    } else {
        Tensor tensor = Tensor::uninitialized(step.dtype, step.shape);
        tap_memories_[index].set_data_handle(tensor.mutable_bytes());
        run_primitive(*step.reorder, arguments_[index]);
        tap(*step.value, tensor);
        if (step.write_back) run_primitive(*step.write_back, write_backs_[index].arguments);
    }
}

void RunState::tap_slot(const TapStep& step, const Tap& tap) {
    const RuntimeValue& value = slots_[static_cast<std::size_t>(step.slot)];
    if (!value.is_tensor()) return;
    const Tensor& tensor = value.tensor();
    if (step.access != TapAccess::Writable || tensor.dtype() == DType::String) {
        tap(*step.value, step.access == TapAccess::InOrder ? own(value).tensor() : tensor);
        return;
    }
    // The memory may be the caller's, a constant's or another slot's.
    Tensor copy = Tensor::from_bytes(tensor.dtype(), tensor.shape(), {tensor.bytes(), tensor.byte_size()});
    tap(*step.value, copy);
    if (is_in_arena(tensor.bytes())) std::memcpy(const_cast<std::byte*>(tensor.bytes()), copy.bytes(), copy.byte_size());
    else fill_slot(step.slot, std::move(copy));
}

std::vector<RuntimeValue> RunState::collect() {
    std::vector<RuntimeValue> outputs;
    outputs.reserve(plan_.outputs.size());
    for (const PlanData::Output& output : plan_.outputs) {
        const RuntimeValue& value = slots_[static_cast<std::size_t>(output.slot)];
        const bool is_reshaped = output.shape && value.is_tensor() && value.tensor().shape() != *output.shape;
        outputs.push_back(is_reshaped ? RuntimeValue(value.tensor().reshaped(*output.shape)) : value);
    }
    for (std::size_t index = 0; index < slots_.size(); ++index) {
        const Slot::Source source = plan_.slots[index].source;
        if (source != Slot::Source::Constant && source != Slot::Source::ArenaView) slots_[index] = RuntimeValue();
    }
    return outputs;
}

void RunState::run_step(std::size_t index, const Tap& tap) {
    const Step& step = plan_.steps[index];
    if (const auto* primitive = std::get_if<PrimitiveStep>(&step)) run_primitive(primitive->primitive, arguments_[index]);
    else if (const auto* native = std::get_if<NativeStep>(&step)) native->run(pointers_[index], plan_.threads);
    else if (const auto* plain = std::get_if<PlainStep>(&step)) run_plain(*plain, tap);
    else if (tap) run_tap(index, std::get<TapStep>(step), tap);
}

void RunState::release(std::size_t index) {
    if (const auto* plain = std::get_if<PlainStep>(&plan_.steps[index]))
        for (const SlotId slot : plain->released) slots_[static_cast<std::size_t>(slot)] = RuntimeValue();
}

std::vector<RuntimeValue> RunState::run(std::span<const RuntimeValue> inputs, const Tap& tap) {
    start(inputs);
    for (std::size_t index = 0; index < plan_.steps.size(); ++index) {
        run_step(index, tap);
        release(index);
    }
    return collect();
}

double RunState::time_step(std::size_t index) {
    const auto begin = std::chrono::steady_clock::now();
    run_step(index, {});
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

std::vector<double> RunState::time_steps(std::span<const RuntimeValue> inputs, int repeats, StepTiming timing) {
    const bool is_in_a_row = timing == StepTiming::InARow;
    const int each = std::max(repeats, 1), runs = is_in_a_row ? 1 : each;
    std::vector<std::vector<double>> times(plan_.steps.size());
    for (int run = 0; run < runs; ++run) {
        start(inputs);
        for (std::size_t index = 0; index < plan_.steps.size(); ++index) {
            for (int again = 0; again < (is_in_a_row ? each : 1); ++again) times[index].push_back(time_step(index));
            release(index);
        }
        collect();
    }
    std::vector<double> medians;
    for (std::vector<double>& of_step : times) {
        std::nth_element(of_step.begin(), of_step.begin() + static_cast<std::ptrdiff_t>(of_step.size() / 2), of_step.end());
        medians.push_back(of_step[of_step.size() / 2]);
    }
    return medians;
}

}  // namespace mcompress::onednn
